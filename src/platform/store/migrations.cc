#include "platform/store/migrations.h"

#include <charconv>
#include <string>

#include "platform/crypto/hmac.h"
#include "platform/store/sqlite_connection.h"
#include "platform/store/store.h"

namespace florin::store {
namespace {

constexpr Sql create_sql(
    "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " checksum TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)");
constexpr Sql applied_sql("SELECT version, checksum FROM schema_migration ORDER BY version");
constexpr Sql record_sql("INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)");

std::int64_t version_of(const Migration& migration) {
    std::int64_t version = 0;
    const std::string_view name = migration.name;
    std::from_chars(name.data(), name.data() + name.size(), version);
    return version;
}

std::string checksum_of(const Migration& migration) {
    return crypto::hex(crypto::sha256(migration.sql));
}

void require_no_gaps(const std::vector<Migration>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (version_of(all[i]) == static_cast<std::int64_t>(i) + 1) continue;
        throw StoreFault("migration " + std::string(all[i].name) + " should have the number " +
                         std::to_string(i + 1) + ": numbers start with 1 and go up by one");
    }
}

class SqliteTarget final : public MigrationTarget {
public:
    explicit SqliteTarget(SqliteConnection& database) : database_(database) {}

    std::vector<Applied> applied() override {
        database_.execute(create_sql);
        std::vector<Applied> applied;
        auto rows = database_.query(applied_sql);
        while (rows.next()) applied.push_back({rows.integer(0), std::string(rows.text(1))});
        return applied;
    }

    void apply(const Migration& migration, const Applied& record) override {
        try {
            database_.run("BEGIN IMMEDIATE");
            database_.run(std::string(migration.sql));
            database_.execute(record_sql, record.version, migration.name, record.checksum);
            database_.run("COMMIT");
        } catch (const std::runtime_error&) {
            database_.roll_back();
            throw;
        }
    }

private:
    SqliteConnection& database_;
};

void apply(MigrationTarget& target, const Migration& migration) {
    try {
        target.apply(migration, {version_of(migration), checksum_of(migration)});
    } catch (const std::runtime_error& fault) {
        throw StoreFault("cannot apply migration " + std::string(migration.name) + ": " +
                         fault.what());
    }
}

}  // namespace

std::size_t count_applied(MigrationTarget& target, const std::vector<Migration>& all) {
    require_no_gaps(all);
    const auto applied = target.applied();
    if (!applied.empty() && applied.back().version == unfinished_import) {
        throw StoreFault(
            "an import into this database is under way or was not finished: run `florin import` "
            "again, which begins anew");
    }
    if (applied.size() > all.size()) {
        throw StoreFault("the database has schema version " +
                         std::to_string(applied.back().version) + ", newer than the " +
                         std::to_string(all.size()) +
                         " of this build: run the newer build, or restore a backup made before it");
    }
    for (std::size_t i = 0; i < applied.size(); ++i) {
        if (applied[i].checksum == checksum_of(all[i])) continue;
        throw StoreFault("migration " + std::string(all[i].name) +
                         " has changed since it was applied to this database: put the change into"
                         " a new migration");
    }
    return applied.size();
}

void migrate(MigrationTarget& target, const std::vector<Migration>& all) {
    for (std::size_t i = count_applied(target, all); i < all.size(); ++i) apply(target, all[i]);
}

void migrate(SqliteConnection& database, const std::vector<Migration>& all) {
    SqliteTarget target(database);
    migrate(target, all);
}

}  // namespace florin::store
