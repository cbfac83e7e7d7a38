#!/usr/bin/env bash
# Installs what is missing of scripts/packages.txt, and Node.js where there is none; with the word `tests` also the
# servers of scripts/test_packages.txt, with `services` those and what fetches and runs Kafka. Does nothing, fast, when
# all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

lists=(scripts/packages.txt)
case "${1:-}" in
  "") ;;
  tests) lists+=(scripts/test_packages.txt) ;;
  services) lists+=(scripts/test_packages.txt scripts/service_packages.txt) ;;
  *) echo "setup: unknown word \"$1\"; say nothing, or: tests, services" >&2; exit 2 ;;
esac
mapfile -t packages < <(grep -hv '^#' "${lists[@]}")
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then packages+=(nodejs npm); fi
if ! command -v chromium >/dev/null; then packages+=(chromium); fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing ${#missing[@]} packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: installing packages needs root or sudo" >&2; exit 1; }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
# Debian starts a server when it is installed; ours are started by the tests.
policy=/usr/sbin/policy-rc.d
guard=
if [ "${#lists[@]}" -gt 1 ] && [ ! -e "$policy" ]; then
  guard=$policy
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$guard" >/dev/null
  "${as_root[@]}" chmod 755 "$guard"
  trap '"${as_root[@]}" rm -f "$guard"' EXIT
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
