#pragma once

#include <vector>

#include "app/doctor_command.h"

namespace florin::app {

struct Settings;

/// Whether Kafka answers and has the topics that events go to. Asks the brokers, for some seconds;
/// creates nothing. Nothing when no Kafka is wanted.
std::vector<Finding> judge_kafka(const Settings& settings);

}  // namespace florin::app
