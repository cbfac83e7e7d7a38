#pragma once

#include <optional>
#include <string_view>

#include "platform/grpc/channel_options.h"

namespace florin::app {

/// The server that "host:port" names; nothing when it names none.
std::optional<grpc::ChannelOptions> parse_grpc_address(std::string_view text);

}  // namespace florin::app
