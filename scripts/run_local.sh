#!/usr/bin/env bash
# Starts and stops a local server. Usage: scripts/run_local.sh setup|build|start|stop|help
set -euo pipefail
cd "$(dirname "$0")/.."
pid_file=.run/florin.pid
log_file=.run/florin.log

usage() {
  echo "Usage: scripts/run_local.sh COMMAND"
  echo "  setup   install what building needs"
  echo "  build   build bin/payment-sim-api"
  echo "  start   set up, build and start in the background (the default)"
  echo "  stop    stop what start started"
  echo "  help    this text"
}

load_environment() {
  local file
  for file in .env.local .env; do
    if [ -f "$file" ]; then
      set -a; # shellcheck disable=SC1090
      . "./$file"; set +a
      echo "Settings from $file"
      return
    fi
  done
}

running() { [ -f "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

start() {
  if running; then echo "Already running (pid $(cat "$pid_file"))"; return; fi
  make --no-print-directory build
  load_environment
  mkdir -p .run
  bin/payment-sim-api >"$log_file" 2>&1 &
  echo $! >"$pid_file"
  for _ in $(seq 100); do
    if curl -sf "localhost:${HEALTH_PORT:-8031}/ready" >/dev/null; then
      echo "Started (pid $(cat "$pid_file")): gRPC localhost:${GRPC_PORT:-8030}, health http://localhost:${HEALTH_PORT:-8031}/health, log $log_file"
      return
    fi
    running || break
    sleep 0.05
  done
  rm -f "$pid_file"
  echo "It did not start:" >&2; tail -5 "$log_file" >&2; exit 1
}

stop() {
  if ! running; then echo "Not running"; rm -f "$pid_file"; return; fi
  local pid; pid=$(cat "$pid_file")
  kill "$pid"
  for _ in $(seq 700); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  rm -f "$pid_file"
  echo "Stopped"
}

case "${1:-start}" in
  setup) make --no-print-directory setup ;;
  build) make --no-print-directory build ;;
  start) start ;;
  stop) stop ;;
  help|-h|--help) usage ;;
  *) echo "run_local.sh: there is no command \"$1\"" >&2; usage >&2; exit 1 ;;
esac
