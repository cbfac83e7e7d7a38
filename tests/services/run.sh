#!/usr/bin/env bash
# Clients nobody here wrote, against the built binary: grpcurl, ghz and schemathesis. What cannot be had is
# skipped by name. Ends with a line that counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok - $1"; }
not_ok() { failed=$((failed + 1)); echo "NOT OK - $1"; [ $# -gt 1 ] && echo "$2"; return 0; }
check() { # name, wanted text, command …
  local name=$1 wanted=$2 out; shift 2
  out=$("$@" 2>&1) || true
  if grep -qF -- "$wanted" <<<"$out"; then ok "$name"; else not_ok "$name" "$out"; fi
}

folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
# Without rate limits, and with a built-in gateway that is not waited for long.
APP_RATE_LIMIT_AUTHORIZE_CAPACITY=0 APP_RATE_LIMIT_CAPTURE_CAPACITY=0 APP_RATE_LIMIT_REFUND_CAPACITY=0 \
  GATEWAY_TIMEOUT_MS=200 IDEMPOTENCY_PATIENCE_MS=200 \
  bin/florin serve --grpc-port 18030 --health-port 18031 --http-port 18080 --data-dir "$folder/data" --log-level warning >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -sf localhost:18031/ready >/dev/null && break; sleep 0.05; done
target=localhost:18030
service=payment.v1.PaymentService
body() { echo "{\"reservation_id\":\"$1\",\"user_id\":\"$2\",\"amount\":{\"amount\":50000,\"currency\":\"KRW\"},\"scenario\":\"$3\"}"; }

if tests/services/tools.sh grpcurl; then
  grpcurl=build/tools/grpcurl
  check "grpcurl list names the service" $service $grpcurl -plaintext $target list
  check "grpcurl list names reflection v1alpha" grpc.reflection.v1alpha.ServerReflection $grpcurl -plaintext $target list
  check "grpcurl list names the methods" $service.ProcessPayment $grpcurl -plaintext $target list $service
  check "grpcurl describes a message" "int64 amount" $grpcurl -plaintext $target describe common.v1.Money
  check "grpcurl health" SERVING $grpcurl -plaintext $target grpc.health.v1.Health/Check
  check "the short scenario name is taken" PAYMENT_STATUS_PENDING $grpcurl -plaintext -d "$(body test-1 user-1 approve)" $target $service/CreatePaymentIntent
  check "an unknown scenario is refused by the client" "nosuch" $grpcurl -plaintext -d "$(body test-1 user-1 nosuch)" $target $service/CreatePaymentIntent
  check "an unknown payment is NotFound" "payment intent not found: pay-xxx" $grpcurl -plaintext -d '{"payment_intent_id":"pay-xxx","user_id":"user-1"}' $target $service/GetPaymentStatus
  for pair in approve:COMPLETED fail:FAILED; do
    id=$($grpcurl -plaintext -d "$(body "test-${pair%%:*}" user-2 "${pair%%:*}")" $target $service/CreatePaymentIntent | sed -nE 's/.*"paymentIntentId": "(.*)".*/\1/p; s/.*"payment_intent_id": "(.*)".*/\1/p')
    sleep 2
    check "${pair%%:*} is ${pair##*:} after sleep 2" "PAYMENT_STATUS_${pair##*:}" $grpcurl -plaintext -d "{\"payment_intent_id\":\"$id\",\"user_id\":\"user-2\"}" $target $service/GetPaymentStatus
  done
else
  skipped=$((skipped + 1)); echo "SKIPPED - grpcurl"
fi
if tests/services/tools.sh ghz; then
  check "ghz makes 1000 payments" "[OK]   1000 responses" build/tools/ghz --insecure --proto proto/payment/v1/payment.proto --call $service.CreatePaymentIntent -d "$(body perf-test user approve)" -c 10 -n 1000 $target
  out=$(build/tools/ghz --insecure --proto proto/payment/v1/payment.proto --call $service.CreatePaymentIntent -d "$(body load-test user-load random)" -c 50 -z 5s $target)
  if grep -qE '\[(Unknown|Internal|ResourceExhausted|DeadlineExceeded|InvalidArgument)\]' <<<"$out"; then not_ok "ghz for 5 s sees only OK" "$out"; else ok "ghz for 5 s sees only OK ($(sed -nE 's/ *Requests\/sec:\t?(.*)/\1 per second/p' <<<"$out"))"; fi
else
  skipped=$((skipped + 1)); echo "SKIPPED - ghz"
fi
if tests/services/tools.sh schemathesis; then
  tool=$PWD/build/tools/schemathesis
  cp -r tests/services/schemathesis "$folder" # it leaves files where it runs
  if out=$(cd "$folder/schemathesis" && timeout 300 "$tool" --config-file schemathesis.toml run \
    http://localhost:18080/openapi.json --max-time 60 --warnings off 2>&1); then
    ok "schemathesis finds nothing ($(grep -oE '[0-9]+ generated' <<<"$out" || true))"
  else
    not_ok "schemathesis finds nothing" "$out"
  fi
else
  skipped=$((skipped + 1)); echo "SKIPPED - schemathesis"
fi
if tests/services/tools.sh moto; then
  [ -d tests/e2e/node_modules ] || (cd tests/e2e && npm ci --silent --no-fund --no-audit)
  if out=$(node --test --test-reporter=tap tests/services/aws.test.mjs 2>&1); then ok "payments reach their reservations through moto ($(grep -c '^ok' <<<"$out") tests)"; else not_ok "payments reach their reservations through moto" "$out"; fi
else
  skipped=$((skipped + 1)); echo "SKIPPED - moto"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
