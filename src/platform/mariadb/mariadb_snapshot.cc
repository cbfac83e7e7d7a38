#include "platform/mariadb/mariadb_snapshot.h"

#include "platform/mariadb/connection.h"
#include "platform/store/store.h"

namespace florin::mariadb {
namespace {

using store::Sql;
using store::StoreFault;

constexpr Sql has_schema_sql(
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"
    " AND table_name = 'schema_migration'");
constexpr Sql version_sql("SELECT count(*) FROM schema_migration");
constexpr Sql facts_sql(
    "SELECT version(), @@log_bin, @@log_bin_trust_function_creators,"
    " @@innodb_flush_log_at_trx_commit, @@sync_binlog");

constexpr const char* wait_for_slow_readers = "SET SESSION net_write_timeout = 86400";

std::int64_t schema_version(Connection& connection) {
    return connection.number(has_schema_sql) == 0 ? 0 : connection.number(version_sql);
}

StoreFault newer(const Address& address, std::int64_t version, std::size_t known) {
    return StoreFault("the database " + address.text() + " has schema version " +
                      std::to_string(version) + ", newer than the " + std::to_string(known) +
                      " of this build: use the newer build");
}

}  // namespace

std::unique_ptr<store::Snapshot> open_mariadb_snapshot(
    const Address& address, const std::vector<store::Migration>& migrations) {
    auto connection = std::make_unique<Connection>(address, Timeouts::patient(), Use::Read);
    connection->run(wait_for_slow_readers);
    connection->begin_snapshot();
    const std::int64_t version = schema_version(*connection);
    const auto expected = static_cast<std::int64_t>(migrations.size());
    if (version > expected) throw newer(address, version, migrations.size());
    if (version < expected) {
        throw StoreFault("the database " + address.text() + " has schema version " +
                         std::to_string(version) + ", this build reads version " +
                         std::to_string(expected) + ": run `florin migrate` with this build");
    }
    return connection;
}

std::vector<std::string> pending_migrations(const Address& address,
                                            const std::vector<store::Migration>& migrations) {
    Connection connection(address, Timeouts{}, Use::Read);
    connection.begin_snapshot();
    const std::int64_t version = schema_version(connection);
    if (version > static_cast<std::int64_t>(migrations.size()))
        throw newer(address, version, migrations.size());
    std::vector<std::string> pending;
    for (auto i = static_cast<std::size_t>(version); i < migrations.size(); ++i)
        pending.emplace_back(migrations[i].name);
    return pending;
}

ServerFacts server_facts(const Address& address) {
    Connection connection(address, Timeouts{}, Use::Read);
    connection.begin_snapshot();
    ServerFacts facts;
    auto rows = connection.query(facts_sql);
    if (!rows.next()) return facts;
    facts.version = rows.text(0);
    facts.binary_log = rows.integer(1) != 0;
    facts.trusts_triggers = rows.integer(2) != 0;
    facts.syncs_each_commit = rows.integer(3) == 1 && (!facts.binary_log || rows.integer(4) == 1);
    return facts;
}

}  // namespace florin::mariadb
