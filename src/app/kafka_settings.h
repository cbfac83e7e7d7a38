#pragma once

#include <vector>

#include "app/setting_table.h"

namespace florin::app {

/// The rows of Kafka.
void add_kafka_settings(std::vector<Setting>& table);

}  // namespace florin::app
