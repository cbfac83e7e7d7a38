#include "platform/store/sqlite_snapshot.h"

#include <string>
#include <system_error>

#include "platform/store/sqlite_connection.h"
#include "platform/store/store.h"

namespace florin::store {
namespace {

constexpr Sql schema_version_sql("SELECT count(*) FROM schema_migration");

void require_schema(SqliteConnection& database, const std::filesystem::path& file,
                    std::int64_t expected) {
    std::int64_t version = 0;
    try {
        version = database.number(schema_version_sql);
    } catch (const StatementRefused&) {
        throw StoreFault(file.string() + " is not a database of this program");
    }
    if (version == expected) return;
    throw StoreFault(file.string() + " has schema version " + std::to_string(version) +
                     ", this build reads version " + std::to_string(expected) +
                     (version > expected ? ": use the newer build that wrote it"
                                         : ": start the server once with this build"));
}

}  // namespace

std::unique_ptr<Snapshot> open_sqlite_snapshot(const std::filesystem::path& file,
                                               const std::vector<Migration>& migrations,
                                               int cache_mib) {
    std::error_code unreadable;
    if (!std::filesystem::exists(file, unreadable)) {
        throw StoreFault("there is no database " + file.string() +
                         (unreadable ? " that can be read (" + unreadable.message() + ")" : "") +
                         ": name the server's folder with --data-dir or DATA_DIR");
    }
    auto database =
        std::make_unique<SqliteConnection>(file, SqliteConnection::Access::ReadOnly,
                                           SqliteConnection::Durability::EveryCommit, cache_mib);
    database->run("BEGIN");  // the snapshot is that of the first query, which is the next one
    require_schema(*database, file, static_cast<std::int64_t>(migrations.size()));
    return database;
}

}  // namespace florin::store
