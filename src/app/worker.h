#pragma once

#include <string>

namespace florin::app {

struct Settings;

/// Runs the reservation worker until SIGINT or SIGTERM: 0 after an orderly stop, 1 when it could
/// not start, 2 when its settings lack something (the reason is printed). Call it with no other
/// thread running.
int run_worker(const Settings& settings);

/// What keeps a worker with these settings from starting, for people; empty when nothing does.
std::string missing_for_worker(const Settings& settings);

}  // namespace florin::app
