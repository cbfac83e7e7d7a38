#!/usr/bin/env bash
# Clients and servers nobody here wrote, with the built binary: first grpcurl, ghz and schemathesis, then each
# *.test.mjs here, one after the other; each starts its servers by itself. What cannot be had is skipped by name, and
# what is left behind is a failure. Ends with a line that counts. `run.sh kafka debezium` runs these files alone.
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

SCHEMATHESIS_SEED=${SCHEMATHESIS_SEED:-20261121} # the same requests each time; others by another number
folder=$(mktemp -d)
export TMPDIR=$folder/tmp # whatever a test leaves behind is found here
mkdir "$TMPDIR"
server=
trap '[ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }; rm -rf "$folder"' EXIT

free_ports() { # as many as asked for, below those that the kernel gives to clients
  /usr/bin/python3 - "$1" <<'END'
import random, socket, sys
ports = []
while len(ports) < int(sys.argv[1]):
    port = random.randrange(10_000, 30_000)
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            continue
    if port not in ports:
        ports.append(port)
print(*ports)
END
}

eventually() { # command …: again until it succeeds, at most a minute
  local end=$((SECONDS + 60))
  until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.1; done
}

clients() { # grpcurl, ghz and schemathesis
  local grpc health http
  read -r grpc health http < <(free_ports 3)
  # Without rate limits, and with a built-in gateway that is not waited for long.
  APP_RATE_LIMIT_AUTHORIZE_CAPACITY=0 APP_RATE_LIMIT_CAPTURE_CAPACITY=0 APP_RATE_LIMIT_REFUND_CAPACITY=0 \
    GATEWAY_TIMEOUT_MS=200 IDEMPOTENCY_PATIENCE_MS=200 \
    bin/florin serve --grpc-port "$grpc" --health-port "$health" --http-port "$http" --data-dir "$folder/data" --log-level warning >"$folder/log" 2>&1 &
  server=$!
  eventually curl -sf "localhost:$health/ready" >/dev/null || not_ok "the server for clients starts" "$(cat "$folder/log")"
  target=localhost:$grpc
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
      shown() { $grpcurl -plaintext -d "{\"payment_intent_id\":\"$id\",\"user_id\":\"user-2\"}" $target $service/GetPaymentStatus; }
      ended() { grep -q "PAYMENT_STATUS_${pair##*:}" <<<"$(shown 2>&1)"; }
      eventually ended || true
      check "${pair%%:*} becomes ${pair##*:}" "PAYMENT_STATUS_${pair##*:}" shown
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
    if out=$(cd "$folder/schemathesis" && timeout 900 "$tool" --config-file schemathesis.toml run "http://localhost:$http/openapi.json" \
      --seed "$SCHEMATHESIS_SEED" --max-time 60 --request-timeout 60 --suppress-health-check all --warnings off 2>&1); then
      ok "schemathesis finds nothing ($(grep -oE '[0-9]+ generated' <<<"$out" || true))"
    else
      not_ok "schemathesis finds nothing" "$out"
    fi
  else
    skipped=$((skipped + 1)); echo "SKIPPED - schemathesis"
  fi
  kill "$server"; wait "$server" || true
  server=
}

test_file() { # one *.test.mjs; its suites say why they skip
  local name=$1 out started=$SECONDS
  if out=$(timeout 1800 node --test --test-reporter=tap "tests/services/$name.test.mjs" 2>&1); then
    local reason count
    reason=$(sed -nE 's/^ *ok .* # SKIP ?(.*)/\1/p' <<<"$out" | head -1)
    count=$(sed -nE 's/^# pass ([0-9]+)/\1/p' <<<"$out")
    if [ -n "$reason" ]; then skipped=$((skipped + 1)); echo "SKIPPED - $name: $reason"; fi
    if [ "$count" -gt 0 ]; then ok "$name ($count tests, $((SECONDS - started)) s)"; fi
  else
    not_ok "$name" "$out"
  fi
}

left_behind() { # folders, processes and networks of tests that have ended
  find "$TMPDIR" -mindepth 1 -maxdepth 1
  local pid command
  grep -lsaF "$TMPDIR/" /proc/[0-9]*/cmdline | cut -d/ -f3 | while read -r pid; do
    command=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || continue # that was the search itself
    echo "process $pid: ${command:0:200}"
  done 2>/dev/null
  { ip netns list 2>/dev/null || true; } | sed -nE 's/^(florin-([0-9]+)-[0-9]+).*/\1 \2/p' | while read -r network pid; do
    [ -e "/proc/$pid" ] || echo "network $network"
  done
}

[ $# -gt 0 ] || clients
if [ ! tests/e2e/node_modules/.package-lock.json -nt tests/e2e/package-lock.json ]; then
  (cd tests/e2e && npm ci --silent --no-fund --no-audit) || { echo "SKIPPED - everything in Node: npm did not give its packages"; npm=missing; }
fi
if tests/services/tools.sh node; then export PATH=$PWD/build/tools/node/bin:$PATH; fi
for file in tests/services/*.test.mjs; do
  name=$(basename "$file" .test.mjs)
  [ -z "${npm:-}" ] || { skipped=$((skipped + 1)); continue; }
  [ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
  test_file "$name"
done
nothing_left() { left=$(left_behind); [ -z "$left" ]; }
eventually nothing_left || true # what was killed may need a moment to be gone
if [ -z "$left" ]; then ok "nothing is left behind"; else not_ok "nothing is left behind" "$left"; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
