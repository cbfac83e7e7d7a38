#pragma once

#include <vector>

#include "app/setting_table.h"

namespace florin::app {

/// The rows of merchants' payments, of their gateways and of their settlement.
void add_merchant_settings(std::vector<Setting>& table);

}  // namespace florin::app
