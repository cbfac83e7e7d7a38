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

struct Applied {
    std::int64_t version;
    std::string checksum;
};

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

std::vector<Applied> applied_migrations(SqliteConnection& database) {
    database.execute(create_sql);
    std::vector<Applied> applied;
    auto rows = database.query(applied_sql);
    while (rows.next()) applied.push_back({rows.integer(0), std::string(rows.text(1))});
    return applied;
}

void apply(SqliteConnection& database, const Migration& migration) {
    try {
        database.run("BEGIN IMMEDIATE");
        database.run(std::string(migration.sql));
        database.execute(record_sql, version_of(migration), migration.name, checksum_of(migration));
        database.run("COMMIT");
    } catch (const std::runtime_error& fault) {
        database.roll_back();
        throw StoreFault("cannot apply migration " + std::string(migration.name) + ": " +
                         fault.what());
    }
}

}  // namespace

void migrate(SqliteConnection& database, const std::vector<Migration>& all) {
    require_no_gaps(all);
    const auto applied = applied_migrations(database);
    if (applied.size() > all.size()) {
        throw StoreFault("the database has schema version " +
                         std::to_string(applied.back().version) + ", newer than the " +
                         std::to_string(all.size()) +
                         " of this build: run the newer build, or restore a backup made before it");
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i >= applied.size()) {
            apply(database, all[i]);
        } else if (applied[i].checksum != checksum_of(all[i])) {
            throw StoreFault(
                "migration " + std::string(all[i].name) +
                " has changed since it was applied to this database: put the change into"
                " a new migration");
        }
    }
}

}  // namespace florin::store
