#pragma once

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

/// Applies what is missing, each migration in a transaction of its own. Throws `StoreFault` when
/// the database is newer than `all`, when an applied file has changed, or when one fails.
void migrate(SqliteConnection& database, const std::vector<Migration>& all);

}  // namespace florin::store
