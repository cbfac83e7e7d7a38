#pragma once

#include <functional>
#include <string>
#include <vector>

namespace florin::app {

struct Settings;

/// What the commands do. `main` fills it in, tests put their own functions there.
struct Commands {
    std::function<int(const Settings&)> serve;
    std::function<int(const Settings&)> work = {};  // the reservation worker
};

/// Exit codes of every command.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

/// Parses the arguments (the program's own name first: as `payment-sim-api` it serves, as
/// `reservation-worker` in that role) and runs the one command they name. Prints help
/// and complaints itself; what a command throws, it passes on.
int run_command_line(const std::vector<std::string>& arguments, const Commands& commands);

}  // namespace florin::app
