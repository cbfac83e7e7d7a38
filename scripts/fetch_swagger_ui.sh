#!/usr/bin/env bash
# Fetches Swagger UI, as src/web/swagger-ui/package-lock.json pins it, into build/swagger-ui, from where the
# build embeds it. Without npm or its registry the build goes on without it.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=src/web/swagger-ui
folder=build/swagger-ui

if cmp -s "$wanted/package-lock.json" "$folder/fetched-lock.json"; then exit 0; fi
mkdir -p "$folder"
cp "$wanted/package.json" "$wanted/package-lock.json" "$folder/"
# Without scripts: one of its dependencies reports installations.
if (cd "$folder" && timeout 120 npm ci --ignore-scripts --silent --no-fund --no-audit) >"$folder/npm.log" 2>&1; then
  cp "$wanted/package-lock.json" "$folder/fetched-lock.json"
else
  rm -rf "$folder/node_modules"
  echo "setup: npm did not give swagger-ui-dist ($folder/npm.log); /swagger-ui.html will say that it is not bundled" >&2
fi
