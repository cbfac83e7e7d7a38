#!/usr/bin/env bash
# Publisher and worker against moto, an AWS that nobody here wrote, on this machine: what is published goes through its bus,
# rule and queue to the worker. moto is the limit: it is one Python process.
# BENCH: the binary of bench/aws_bench.cc. COUNT: of payments.
set -euo pipefail
cd "$(dirname "$0")/.."
BENCH=${BENCH:-build/release/bin/aws_bench}
tests/services/tools.sh moto
folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
build/tools/moto -H 127.0.0.1 -p "$port" >"$folder/moto.log" 2>&1 &
moto=$!
trap 'kill "$moto" 2>/dev/null || true; wait "$moto" 2>/dev/null || true; rm -rf "$folder"' EXIT
url=http://127.0.0.1:$port
for _ in $(seq 1000); do curl -sf "$url/moto-api/" >/dev/null && break; sleep 0.02; done
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=ap-northeast-2
aws() { build/tools/aws --endpoint-url "$url" --output text "$@"; }
queue=$(aws sqs create-queue --queue-name traffic-tacos-payment-webhooks --query QueueUrl)
aws events create-event-bus --name ticket-reservation-events >/dev/null
aws events put-rule --name payment-events-to-sqs --event-bus-name ticket-reservation-events \
  --event-pattern '{"source": ["payment-sim-api"], "detail-type": ["Payment Status Updated"]}' >/dev/null
aws events put-targets --rule payment-events-to-sqs --event-bus-name ticket-reservation-events \
  --targets Id=1,Arn=arn:aws:sqs:ap-northeast-2:123456789012:traffic-tacos-payment-webhooks >/dev/null
"$BENCH" --endpoint "$url" --queue-url "$queue" --events "${COUNT:-2000}" --folder "$folder/data"
