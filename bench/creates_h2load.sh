#!/usr/bin/env bash
# Plain creates at full speed with h2load, while their settlements run behind them. Starts a server of its own
# on free ports; prints rate, latency percentiles and how many calls did not end with OK.
# FLORIN: the binary. SECONDS_LONG, CONNECTIONS, STREAMS, RATE_USERS: the load.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/server.sh

printf 'reservation_id:"perf-test" user_id:"user" amount{amount:50000 currency:"KRW"} scenario:PAYMENT_SCENARIO_APPROVE' |
  protoc --proto_path=. --encode=payment.v1.CreatePaymentIntentRequest proto/payment/v1/payment.proto >"$folder/message"
size=$(stat -c %s "$folder/message")
{ printf '\0'; printf "\\x$(printf %02x $((size >> 24)))\\x$(printf %02x $((size >> 16 & 255)))\\x$(printf %02x $((size >> 8 & 255)))\\x$(printf %02x $((size & 255)))"; cat "$folder/message"; } >"$folder/body"

h2load -c "${CONNECTIONS:-8}" -m "${STREAMS:-64}" -D "${SECONDS_LONG:-30}" --warm-up-time=2 --log-file="$folder/log" -d "$folder/body" \
  -H 'content-type: application/grpc' -H 'te: trailers' \
  "http://127.0.0.1:$grpc_port/payment.v1.PaymentService/CreatePaymentIntent" | grep -E '^(finished|requests|status)'
# The log has: start, status, microseconds. Percentiles over all of them.
sort -n -k3 "$folder/log" | awk '{v[NR]=$3} END {printf "latency ms: p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", v[int(NR*.5)]/1e3, v[int(NR*.9)]/1e3, v[int(NR*.99)]/1e3, v[int(NR*.999)]/1e3, v[NR]/1e3}'
metrics=$(curl -s "localhost:$health_port/metrics")
echo "calls by code:"; grep -E '^grpc_server_handled_total.*CreatePaymentIntent' <<<"$metrics" | sed -E 's/.*grpc_code="([A-Za-z]+)".* ([0-9.e+]+)$/  \1 \2/'
grep -E '^florin_settlements_total' <<<"$metrics"
ps -o rss=,cputimes= -p "$server" | awk '{printf "server: %.0f MiB resident, %s s CPU\n", $1/1024, $2}'
