#pragma once

#include <expected>
#include <optional>
#include <string>

#include "app/settings.h"
#include "platform/mariadb/address.h"

namespace florin::app {

/// The MariaDB that the settings name; nothing: SQLite, in a file of our own. DB_URL says it all;
/// DB_HOST with its companions says it in parts; a password that the URL leaves out may stand in
/// DB_PASSWORD. The error says what is wrong without a secret.
std::expected<std::optional<mariadb::Address>, std::string> parse_database_address(
    const Settings::Database& database);

/// Of settings that have been checked.
std::optional<mariadb::Address> database_address(const Settings& settings);

}  // namespace florin::app
