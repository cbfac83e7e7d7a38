#include "platform/mariadb/schema.h"

#include <fmt/format.h>

#include "platform/mariadb/connection.h"
#include "platform/store/store.h"

namespace florin::mariadb {
namespace {

using store::Sql;
using store::StoreFault;

constexpr Sql lock_sql("SELECT get_lock(concat('florin_schema.', md5(database())), 60)");
constexpr Sql unlock_sql("SELECT release_lock(concat('florin_schema.', md5(database())))");
constexpr Sql collation_sql(
    "SELECT count(*) FROM information_schema.schemata WHERE schema_name = database()"
    " AND default_collation_name = 'utf8mb4_nopad_bin'");
constexpr Sql has_migrations_sql(
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"
    " AND table_name = 'schema_migration'");

// Texts are compared byte by byte, as SQLite does; the default of most servers takes "A" for "a".
constexpr const char* collation = "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

// `store_commit_order` is the lock under which sequenced rows are numbered, and counts them;
// `store_batch` tells a process that lost its connection in a commit what became of it;
// `store_identity` tells this database from another.
constexpr const char* own_tables =
    "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY,"
    " name VARCHAR(255) NOT NULL, checksum CHAR(64) NOT NULL,"
    " applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)) ENGINE=InnoDB;"
    "CREATE TABLE IF NOT EXISTS store_commit_order (id TINYINT NOT NULL PRIMARY KEY,"
    " number BIGINT NOT NULL) ENGINE=InnoDB;"
    "INSERT IGNORE INTO store_commit_order (id, number) VALUES (1, 0);"
    "CREATE TABLE IF NOT EXISTS store_batch (instance BINARY(16) NOT NULL, writer INT NOT NULL,"
    " number BIGINT NOT NULL, started_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,"
    " PRIMARY KEY (instance, writer)) ENGINE=InnoDB;"
    "CREATE TABLE IF NOT EXISTS store_identity (id TINYINT NOT NULL PRIMARY KEY,"
    " database_id BINARY(16) NOT NULL, made_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP)"
    " ENGINE=InnoDB;"
    "INSERT IGNORE INTO store_identity (id, database_id)"
    " VALUES (1, unhex(replace(uuid(), '-', '')))";

constexpr Sql applied_sql("SELECT version, checksum FROM schema_migration ORDER BY version");
constexpr Sql record_sql("INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)");

class Target final : public store::MigrationTarget {
public:
    explicit Target(Connection& connection) : connection_(connection) {}

    std::vector<Applied> applied() override {
        std::vector<Applied> applied;
        auto rows = connection_.query(applied_sql);
        while (rows.next()) applied.push_back({rows.integer(0), std::string(rows.text(1))});
        return applied;
    }

    void apply(const store::Migration& migration, const Applied& record) override {
        connection_.run(migration.sql);
        connection_.execute(record_sql, record.version, migration.name, record.checksum);
    }

private:
    Connection& connection_;
};

}  // namespace

void bring_up_to_date(Connection& connection, const std::vector<store::Migration>& migrations) {
    if (connection.number(lock_sql) != 1) {
        throw StoreFault(
            "another process has been changing the schema of the database for a minute; see what "
            "it "
            "does, and start this one again");
    }
    try {
        if (connection.number(collation_sql) == 0) connection.run(collation);
        connection.run(own_tables);
    } catch (const store::StatementRefused& refused) {
        throw StoreFault(std::string("the tables of the store cannot be made; the user needs the "
                                     "rights to the whole database: ") +
                         refused.what());
    }
    Target target(connection);
    store::migrate(target, migrations);
    static_cast<void>(connection.number(unlock_sql));
}

void require_up_to_date(Connection& connection, const std::vector<store::Migration>& migrations) {
    std::size_t applied = 0;
    if (connection.number(has_migrations_sql) != 0) {
        Target target(connection);
        applied = store::count_applied(target, migrations);
    }
    const std::size_t missing = migrations.size() - applied;
    if (missing == 0) return;
    throw StoreFault(fmt::format(
        "the database {} lacks {} of {} migrations, and DB_MIGRATE=false leaves them to you: "
        "nothing is written to it. If it should hold payments and is empty, it is not the right "
        "one: see where DB_URL leads. Else apply them with `florin migrate`",
        connection.place(), missing, migrations.size()));
}

}  // namespace florin::mariadb
