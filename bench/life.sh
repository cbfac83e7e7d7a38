#!/usr/bin/env bash
# Whole lives of payments against a server of its own: create, settle, webhook, read back, reconciled.
# FLORIN: the binary. RATE, SECONDS_LONG, DELAY_MS: the load; further arguments go to `florin bench`.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/server.sh
"$FLORIN" bench --target "127.0.0.1:$grpc_port" --rate "${RATE:-10000}" --duration "${SECONDS_LONG:-60}" --warmup 3 \
  --delay-ms "${DELAY_MS:-1000}" --scenario approve:80,fail:20 --quiet "$@"
ps -o rss=,cputimes= -p "$server" | awk '{printf "server: %.0f MiB resident, %s s CPU\n", $1/1024, $2}'
