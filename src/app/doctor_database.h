#pragma once

#include <string>
#include <vector>

#include "app/doctor_command.h"
#include "platform/mariadb/mariadb_snapshot.h"

namespace florin::app {

struct Settings;

/// Whether the MariaDB of the settings can be reached and is fit for payments; nothing when there
/// is none.
std::vector<Finding> judge_database(const Settings& settings);

/// Whether the database has the schema of this build, or gets it; `pending`: what it lacks.
Finding judge_schema(const Settings& settings, const std::vector<std::string>& pending);

/// What a server's own words mean for payments.
std::vector<Finding> judge_server(const mariadb::ServerFacts& facts, bool schema_pending);

}  // namespace florin::app
