#pragma once

#include <vector>

#include "app/aws_options.h"
#include "app/doctor_command.h"

namespace florin::app {

/// What keeps events from going to AWS, or the worker from reading its queue, as far as files and
/// settings tell; asks nobody. Nothing when neither is wanted.
std::vector<Finding> judge_aws(const Settings& settings, const Environ& environment);

}  // namespace florin::app
