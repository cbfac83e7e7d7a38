# Sourced: starts a server on free ports in a temporary folder, and takes both away at the end.
# Sets: folder, server (pid), grpc_port, http_port, health_port.
FLORIN=${FLORIN:-build/release/bin/florin}
folder=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/florin-bench-XXXXXX")
server=
stop_server() { [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }; server=; }
trap 'stop_server; rm -rf "$folder"' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
grpc_port=$(free_port) http_port=$(free_port) health_port=$(free_port)
start_server() {
  "$FLORIN" serve --bind-address 127.0.0.1 --grpc-port "$grpc_port" --http-port "$http_port" --health-port "$health_port" \
    --data-dir "$folder/data" --log-level info "$@" >"$folder/server.log" 2>&1 &
  server=$!
  local _
  for _ in $(seq 2000); do curl -sf "localhost:$health_port/ready" >/dev/null && return; sleep 0.01; done
  echo "the server did not start:"; tail -3 "$folder/server.log"; exit 1
}
start_server
