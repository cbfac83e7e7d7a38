#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/grpc/channel_options.h"

namespace florin::app {

struct Settings;

/// Runs the reservation worker until SIGINT or SIGTERM: 0 after an orderly stop, 1 when it could
/// not start, 2 when its settings lack something (the reason is printed). Call it with no other
/// thread running.
int run_worker(const Settings& settings);

/// What keeps a worker with these settings from starting, for people; empty when nothing does.
std::string missing_for_worker(const Settings& settings);

/// The server that "host:port" names; nothing when it names none.
std::optional<grpc::ChannelOptions> parse_grpc_address(std::string_view text);

}  // namespace florin::app
