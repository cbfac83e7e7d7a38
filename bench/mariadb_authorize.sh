#!/usr/bin/env bash
# Authorizations by wrk against a server over MariaDB on this machine, every commit synced and in the binary log, beside
# the figure of the embedded database.
# FLORIN: the binary. SECONDS_LONG, CONNECTIONS, MERCHANTS: the load. WRITERS, READERS: connections to MariaDB.
set -euo pipefail
cd "$(dirname "$0")/.."
export MERCHANTS=${MERCHANTS:-100} SECONDS_LONG=${SECONDS_LONG:-20}
mariadb=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/florin-bench-mariadb-XXXXXX")
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server" || true; }; rm -rf "$mariadb"' EXIT
sql() { mariadb --no-defaults -uroot -S "$mariadb/sock" "$@"; }
as_root=$([ "$(id -u)" != 0 ] || echo --user=root)

mariadb-install-db --no-defaults $as_root --datadir="$mariadb/data" --auth-root-authentication-method=normal \
  --skip-test-db >/dev/null
mariadbd --defaults-file=deploy/debezium/mariadb.cnf $as_root --datadir="$mariadb/data" --socket="$mariadb/sock" --skip-networking \
  --pid-file="$mariadb/pid" --innodb-buffer-pool-size=1G --innodb-log-file-size=1G >"$mariadb/log" 2>&1 &
server=$!
for _ in $(seq 300); do sql -e 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.1; done
sql -e 'CREATE DATABASE florin'

echo "embedded:"
bench/authorize_wrk.sh
echo "MariaDB, $(sql -Ne 'SELECT concat(version(), ", innodb_flush_log_at_trx_commit=", @@innodb_flush_log_at_trx_commit, ", log_bin=", @@log_bin, ", sync_binlog=", @@sync_binlog)'):"
cpu() { ps -o cputimes= -p "$server" | tr -d ' '; }
before=$(cpu)
export DB_URL="mariadb://root@localhost/florin?socket=$mariadb/sock&connections=${WRITERS:-2}&readers=${READERS:-2}"
bench/authorize_wrk.sh
echo "mariadbd: $(($(cpu) - before)) s CPU"
"${FLORIN:-build/release/bin/florin}" ledger verify | tail -1
