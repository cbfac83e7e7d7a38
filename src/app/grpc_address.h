#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/grpc/channel_options.h"

namespace florin::app {

/// The server that "host:port" names; nothing when it names none.
std::optional<grpc::ChannelOptions> parse_grpc_address(std::string_view text);

/// The server of an http or https URL, which the settings have checked; `ca_file`: a root to trust
/// besides the system's.
grpc::ChannelOptions grpc_address_of(std::string_view url, const std::string& ca_file);

}  // namespace florin::app
