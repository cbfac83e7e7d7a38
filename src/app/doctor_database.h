#pragma once

#include <vector>

#include "app/doctor_command.h"
#include "platform/mariadb/mariadb_snapshot.h"

namespace florin::app {

struct Settings;

/// Whether the MariaDB of the settings can be reached and is fit for payments; nothing when there
/// is none.
std::vector<Finding> judge_database(const Settings& settings);

/// What a server's own words mean for payments.
std::vector<Finding> judge_server(const mariadb::ServerFacts& facts, bool schema_pending);

}  // namespace florin::app
