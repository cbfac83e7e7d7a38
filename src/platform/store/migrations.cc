#include "platform/store/migrations.h"

#include <charconv>

#include <sqlite3.h>

#include "platform/crypto/hmac.h"
#include "platform/store/sqlite_connection.h"
#include "platform/store/store.h"

namespace florin::store {
namespace {

struct Applied {
    int version = 0;
    std::string checksum;
};

int version_of(std::string_view name) {
    int version = 0;
    std::from_chars(name.data(), name.data() + name.size(), version);
    return version;
}

std::string checksum_of(std::string_view sql) {
    return crypto::hex(crypto::sha256(sql));
}

void run(sqlite3* database, const std::string& sql, std::string_view doing) {
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw_store_fault(database, doing);
    }
}

std::vector<Applied> applied_migrations(sqlite3* database) {
    run(database,
        "CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, name TEXT NOT "
        "NULL,"
        " checksum TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)",
        "creating the table of migrations");
    std::vector<Applied> applied;
    const auto collect = [](void* out, int, char** values, char**) {
        static_cast<std::vector<Applied>*>(out)->push_back({std::stoi(values[0]), values[1]});
        return 0;
    };
    if (sqlite3_exec(database, "SELECT version, checksum FROM schema_migration ORDER BY version",
                     collect, &applied, nullptr) != SQLITE_OK) {
        throw_store_fault(database, "reading the table of migrations");
    }
    return applied;
}

void apply(sqlite3* database, const Migration& migration) {
    const std::string record = "INSERT INTO schema_migration (version, name, checksum) VALUES (" +
                               std::to_string(version_of(migration.name)) + ", '" +
                               std::string(migration.name) + "', '" + checksum_of(migration.sql) +
                               "');";
    const std::string doing = "applying migration " + std::string(migration.name);
    try {
        run(database, "BEGIN IMMEDIATE;" + std::string(migration.sql) + ";" + record + "COMMIT;",
            doing);
    } catch (const StoreFault&) {
        sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

}  // namespace

void migrate(sqlite3* database, const std::vector<Migration>& all) {
    const auto applied = applied_migrations(database);
    if (applied.size() > all.size()) {
        throw StoreFault("the database has schema version " +
                         std::to_string(applied.back().version) + ", newer than this build (" +
                         std::to_string(all.size()) +
                         "): run the newer build, or restore a backup made before it");
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (version_of(all[i].name) != static_cast<int>(i) + 1) {
            throw StoreFault("migration " + std::string(all[i].name) + " should have number " +
                             std::to_string(i + 1) + ": numbers go up by one");
        }
        if (i >= applied.size()) {
            apply(database, all[i]);
        } else if (applied[i].checksum != checksum_of(all[i].sql)) {
            throw StoreFault(
                "migration " + std::string(all[i].name) +
                " has changed since it was applied to this database: put the change into a "
                "new migration");
        }
    }
}

}  // namespace florin::store
