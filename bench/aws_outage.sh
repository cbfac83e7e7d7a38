#!/usr/bin/env bash
# An event bus that is away for MINUTES while payments are decided at RATE a second: memory while they wait, and whether all of
# them arrive, once it is back. FLORIN: the binary.
set -euo pipefail
cd "$(dirname "$0")/.."
MINUTES=${MINUTES:-10}
RATE=${RATE:-1000}
sink_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AWS_EVENTS=true AWS_ENDPOINT_URL=http://127.0.0.1:$sink_port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
. bench/server.sh
sink= sampler=
trap 'for each in $sampler $sink; do kill "$each" 2>/dev/null || true; done; stop_server; rm -rf "$folder"' EXIT
resident() { awk '/^VmRSS/ {printf "%.1f", $2/1024}' "/proc/$server/status"; }
lag() { curl -s "localhost:$health_port/metrics" | awk '/^florin_consumer_lag\{group="event-bridge"\}/ {printf "%.0f", $2}'; }
outcomes() { sqlite3 -readonly "$folder/data/florin.db" "SELECT count(*) FROM outbox WHERE event_type IN ('payment.completed', 'payment.failed', 'payment.cancelled', 'payment.expired')"; }
told() { { curl -sf "localhost:$sink_port/" || echo '{"notifications": 0, "entries": 0}'; } | python3 -c 'import json, sys; counts = json.load(sys.stdin); print(counts["notifications"], counts["entries"])'; }

(while :; do echo "$(date +%s) $(resident)"; sleep 2; done) >"$folder/resident" &
sampler=$!
began=$(date +%s)
"$FLORIN" bench --target "127.0.0.1:$grpc_port" --rate "$RATE" --duration $((MINUTES * 60)) --warmup 0 --delay-ms 500 \
  --scenario approve:80,fail:20 --quiet >"$folder/report" || true
wanted=$(outcomes) # all of them: the generator has seen every one
echo "away for $(($(date +%s) - began)) s: $wanted outcomes wait, lag $(lag); $(stat -c %s "$folder/data/florin.db" | awk '{printf "%.0f", $1/1048576}') MiB of database"
awk -v began="$began" '{if (NR == 1) first = $2; if ($1 - began <= 30 && $2 > early) early = $2; if ($2 > most) most = $2; last = $2}
  END {printf "resident: %.1f MiB at first, most %.1f in the first 30 s, most %.1f in all, %.1f at the end\n", first, early, most, last}' "$folder/resident"
node bench/aws_sink.mjs "$sink_port" &
sink=$!
back=$(date +%s%N)
until read -r notifications entries < <(told) && [ "$notifications" -ge "$wanted" ]; do sleep 0.2; done
took=$((($(date +%s%N) - back) / 1000000))
echo "back: $notifications of $wanted told after $took ms, $((entries - notifications)) of them twice; resident now $(resident) MiB"
[ "$notifications" -eq "$wanted" ]
