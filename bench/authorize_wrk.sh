#!/usr/bin/env bash
# Authorizations by wrk against a server of its own, then a proof of what they left behind.
# FLORIN: the binary. SECONDS_LONG, CONNECTIONS, MERCHANTS: the load. GATEWAY: rules or simulator.
set -euo pipefail
cd "$(dirname "$0")/.."
export APP_RATE_LIMIT_AUTHORIZE_CAPACITY=0 MERCHANT_GATEWAY=${GATEWAY:-rules} RUN=${RUN:-run-$$} MERCHANTS=${MERCHANTS:-1}
. bench/server.sh
# wrk's threads and the server share the cores: one thread of wrk for two of them.
time wrk -t1 -c"${CONNECTIONS:-64}" -d"${SECONDS_LONG:-30}s" --timeout 10s -s bench/authorize.lua "http://127.0.0.1:$http_port" |
  grep "authorizations/s"
curl -sf "localhost:$health_port/metrics" | grep 'operations_total{operation="authorize",result="approved"}'
ps -o rss=,cputimes= -p "$server" | awk '{printf "server: %.0f MiB resident, %s s CPU\n", $1/1024, $2}'
