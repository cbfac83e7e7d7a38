#!/usr/bin/env bash
# Installs the named tools into build/tools through the Go module proxy. Exit 3: they cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/../.."
declare -A modules=(
  [grpcurl]=github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
  [grpcui]=github.com/fullstorydev/grpcui/cmd/grpcui@v1.4.3
  [ghz]=github.com/bojand/ghz/cmd/ghz@v0.121.0
)
mkdir -p build/tools
for tool in "$@"; do
  [ -x "build/tools/$tool" ] && continue
  command -v go >/dev/null || { echo "$tool: Go is not installed here" >&2; exit 3; }
  GOBIN=$PWD/build/tools timeout 300 go install "${modules[$tool]}" >build/tools/$tool.log 2>&1 ||
    { echo "$tool: the Go module proxy did not give it (build/tools/$tool.log)" >&2; exit 3; }
done
