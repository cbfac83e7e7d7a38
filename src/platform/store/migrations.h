#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace florin::store {

class SqliteConnection;

/// One numbered change of the schema; its version is the number its name starts with.
struct Migration {
    std::string_view name;  // "0001_gateway_intent.sql"
    std::string_view sql;
};

/// The schema this build carries, in order, for each database. Generated from migrations/sqlite and
/// migrations/mariadb.
const std::vector<Migration>& sqlite_migrations();
const std::vector<Migration>& mariadb_migrations();

/// The version of the mark that a database bears while it is being filled by an import: nobody may
/// use it.
inline constexpr std::int64_t unfinished_import = 1'000'000'000;

/// Port: a database that is brought up to date.
class MigrationTarget {
public:
    struct Applied {
        std::int64_t version;
        std::string checksum;
    };

    virtual ~MigrationTarget() = default;
    /// What has been applied, by version.
    virtual std::vector<Applied> applied() = 0;
    /// Applies one and records it. Throws when it fails; then the database still counts as without
    /// it.
    virtual void apply(const Migration& migration, const Applied& record) = 0;
};

/// How many of `all` are applied, and nothing is changed. Throws `StoreFault` when the database is
/// newer than `all`, when an applied file has changed, or when an import was not finished.
std::size_t count_applied(MigrationTarget& target, const std::vector<Migration>& all);
/// Applies what is missing, in order. Throws what `count_applied` throws, and `StoreFault` when one
/// fails.
void migrate(MigrationTarget& target, const std::vector<Migration>& all);
/// Each migration in a transaction of its own.
void migrate(SqliteConnection& database, const std::vector<Migration>& all);

}  // namespace florin::store
