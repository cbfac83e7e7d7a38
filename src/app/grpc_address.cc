#include "app/grpc_address.h"

#include <charconv>

#include "platform/base/require.h"
#include "platform/http/url.h"

namespace florin::app {

std::optional<grpc::ChannelOptions> parse_grpc_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    const std::string_view port = text.substr(colon + 1);
    grpc::ChannelOptions options;
    const auto read = std::from_chars(port.data(), port.data() + port.size(), options.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || options.port == 0)
        return std::nullopt;
    options.host = text.substr(0, colon);
    if (options.host.starts_with('[') && options.host.ends_with(']'))
        options.host = options.host.substr(1, options.host.size() - 2);
    return options;
}

grpc::ChannelOptions grpc_address_of(std::string_view url, const std::string& ca_file) {
    const auto parsed = http::parse_url(url);
    require(parsed.has_value(), "settings are checked");
    grpc::ChannelOptions options;
    options.host = parsed->host;
    options.port = parsed->port;
    if (parsed->tls) options.tls = grpc::ChannelTls{ca_file};
    return options;
}

}  // namespace florin::app
