#!/usr/bin/env bash
# How fast a million payments of a month ago are deleted, alone and under load, and what the load notices.
# FLORIN: the binary. COUNT: how many. RATE, SECONDS_LONG: whole lives a second beside it, and for how long.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/server.sh
pruned() { curl -s "localhost:$health_port/metrics" | awk '/^florin_pruned_rows_total/ {printf "%.0f", $2}'; }
left() { sqlite3 -readonly "$folder/data/florin.db" "SELECT count(*) FROM gateway_intent WHERE created_at < 1e6 * (unixepoch() - 86400)"; }
# Into an empty database: what is old stands before what is new, as it does in life.
fill() { stop_server; rm -rf "$folder/data"; start_server; stop_server; python3 bench/old_payments.py "$folder/data/florin.db" "${COUNT:-1000000}"; start_server --retention-hours "$1"; }
lives() {
  "$FLORIN" bench --target "127.0.0.1:$grpc_port" --rate "${RATE:-10000}" --duration "${SECONDS_LONG:-20}" --warmup 3 \
    --delay-ms 1000 --quiet | grep -E '^(milliseconds|create|webhook|lost|.*failed)'
}
echo "load alone:"; fill 0; lives
stop_server; started=$(date +%s%N); start_server --retention-hours 1
while [ "$(left)" -gt 0 ]; do sleep 0.2; done
echo "no load: $(pruned) rows in $((($(date +%s%N) - started) / 1000000)) ms"
fill 1; before=$(pruned); started=$(date +%s%N)
echo "load and pruning:"; lives
echo "under load: $(($(pruned) - before)) rows in $((($(date +%s%N) - started) / 1000000)) ms; $(left) payments left"
