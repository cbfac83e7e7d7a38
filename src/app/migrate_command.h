#pragma once

#include <cstdint>

namespace florin::app {

struct Settings;

enum class MigrateForm : std::uint8_t { Apply, DryRun };

/// Brings the schema of the database up to date before processes that need it start, or only names
/// what would be applied. 0: it is, or would be.
int run_migrate(const Settings& settings, MigrateForm form);

}  // namespace florin::app
