#!/usr/bin/env bash
# What an idle server costs, and what a million stored payments change. FLORIN: the binary. COUNT: how many.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/server.sh
resident() { ps -o rss= -p "$server" | awk '{printf "%.0f MiB", $1/1024}'; }
cpu_ticks() { awk '{print $14 + $15}' "/proc/$server/stat"; }
quick() { "$FLORIN" bench --target "127.0.0.1:$grpc_port" --rate 500 --duration 5 --delay-ms 200 --quiet "$@" | grep -E '^(milliseconds|create|read|failed)'; }

before=$(cpu_ticks); sleep 5; after=$(cpu_ticks)
echo "idle: $(resident) resident, $((after - before)) ticks of CPU in 5 s (500 are one core)"
echo "empty:"; quick
"$FLORIN" bench --target "127.0.0.1:$grpc_port" --rate 20000 --duration $((${COUNT:-1000000} / 20000)) --warmup 0 --delay-ms 0 --no-webhook --quiet |
  grep -E 'acknowledged|failed'
echo "full: $(resident) resident"; quick
stop_server
started=$(date +%s%N); start_server
echo "restarted: ready after $((($(date +%s%N) - started) / 1000000)) ms, $(resident) resident"
