#pragma once

#include <vector>

#include "app/setting_table.h"

namespace florin::app {

/// The rows of reservations, and of what carries outcomes of payments to them.
void add_reservation_settings(std::vector<Setting>& table);

}  // namespace florin::app
