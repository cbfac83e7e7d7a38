#!/usr/bin/env bash
# Merchant payments against a server of its own: authorize, capture, refund over HTTP at a fixed rate, reconciled by the
# generator, then once more from the stopped server's data: the ledger proves itself, and the events are counted.
# FLORIN: the binary. RATE (flows a second, three requests each), SECONDS_LONG: the load; GATEWAY: rules or simulator.
# Further arguments go to `florin bench payments`.
set -euo pipefail
cd "$(dirname "$0")/.."
export APP_RATE_LIMIT_AUTHORIZE_CAPACITY=0 APP_RATE_LIMIT_CAPTURE_CAPACITY=0 APP_RATE_LIMIT_REFUND_CAPACITY=0
export MERCHANT_GATEWAY=${GATEWAY:-rules}
. bench/server.sh
"$FLORIN" bench payments --target "127.0.0.1:$http_port" --health-port "$health_port" --rate "${RATE:-5000}" \
  --duration "${SECONDS_LONG:-30}" --warmup 3 --quiet --json "$@" >"$folder/report" || true
ps -o rss=,cputimes= -p "$server" | awk '{printf "server: %.0f MiB resident, %s s CPU\n", $1/1024, $2}'
stop_server
proof=right
"$FLORIN" ledger verify --data-dir "$folder/data" || proof=wrong
PROOF=$proof python3 bench/flows_report.py "$folder/report" "$folder/data/florin.db"
