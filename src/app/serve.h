#pragma once

namespace florin::app {

struct Settings;

/// Runs the service until SIGINT or SIGTERM: 0 after an orderly stop, 1 when it could not start
/// (the reason is logged and printed). Call it with no other thread running.
int run_serve(const Settings& settings);

}  // namespace florin::app
