#pragma once

#include <vector>

#include "app/doctor_command.h"

namespace florin::app {

struct Settings;

/// Whether Redis can be used as the settings say: connects, logs in and asks for its version.
/// Nothing when none is wanted. What is wrong is a warning: Florin serves without.
std::vector<Finding> judge_redis(const Settings& settings);

}  // namespace florin::app
