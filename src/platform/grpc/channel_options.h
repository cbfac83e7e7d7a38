#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace florin::grpc {

struct ChannelTls {
    /// PEM file of extra trusted roots; the system's are always trusted.
    std::string ca_file;
};

struct ChannelOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8030;
    /// TLS with ALPN "h2" when set; the server's certificate must be that of `host`.
    std::optional<ChannelTls> tls = std::nullopt;
    std::chrono::milliseconds connect_timeout{5'000};  // look-up and TLS included
    std::size_t message_bytes_max = 4 * 1024 * 1024;   // of an answer
    /// Calls under way at once; more are refused with RESOURCE_EXHAUSTED. The server's own limit on
    /// streams makes calls wait inside the connection.
    std::size_t calls_max = 16'384;
};

struct CallOptions {
    std::chrono::milliseconds deadline{10'000};
    std::vector<std::pair<std::string, std::string>> metadata = {};  // lower-case names
};

}  // namespace florin::grpc
