#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "platform/grpc/service.h"

namespace boost::asio::ssl {
class context;
}
namespace florin::runtime {
class Loop;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::grpc {

/// Bounds on what one client may ask of a server. Defaults follow grpc++ where it has one.
struct ServerLimits {
    std::size_t request_message_bytes_max = 4 * 1024 * 1024;  // also after gzip
    std::size_t response_message_bytes_max = 4 * 1024 * 1024;
    std::size_t header_bytes_max = 16 * 1024;  // SETTINGS_MAX_HEADER_LIST_SIZE
    std::uint32_t streams_per_connection_max = 256;
    std::size_t connections_max = 4'096;  // over all loops' servers of a process
    /// Bytes a slow reader may leave in the connection's output buffer before its streams wait.
    std::size_t output_buffer_bytes_max = 1024 * 1024;
    /// Streams reset within `reset_window`, by the client or through its errors, before the
    /// connection ends (CVE-2023-44487).
    std::uint32_t resets_max = 200;
    /// PING, SETTINGS, PRIORITY and empty DATA frames within `reset_window` before it ends. Far
    /// above what clients that measure their bandwidth by pings send.
    std::uint32_t control_frames_max = 2'000;
    std::chrono::seconds reset_window{10};
    /// A connection with no stream for that long is closed with GOAWAY.
    std::chrono::seconds idle_timeout{300};
    /// TLS and HTTP/2 preface, a started header block, a started message: each must end within
    /// this.
    std::chrono::seconds progress_timeout{20};
    /// A ping after this long without a frame; no answer within `keepalive_timeout` ends it.
    std::chrono::seconds keepalive_interval{60};
    std::chrono::seconds keepalive_timeout{20};
    /// The longest `grpc-timeout` that is honoured, and the deadline of calls that set none.
    std::chrono::seconds call_deadline_max{300};
};

struct ServerOptions {
    std::string address = "0.0.0.0";
    std::uint16_t port = 0;  // 0: any free one
    bool share_port = true;  // SO_REUSEPORT: one server a loop on the same port
    ServerLimits limits = {};
    /// TLS with ALPN "h2" when set; outlives the server.
    boost::asio::ssl::context* tls = nullptr;
};

/// A gRPC server over HTTP/2 (nghttp2) on one loop. Use it only on that loop's thread, except where
/// said. Counts grpc_server_started_total, grpc_server_handled_total, grpc_server_handling_seconds
/// with the labels of go-grpc-prometheus.
class Server {
public:
    /// `services` must be complete and outlive the server.
    Server(runtime::Loop& loop, const Services& services, ServerOptions options,
           telemetry::Metrics& metrics);
    ~Server();

    /// Binds and starts accepting; returns the port. Throws `std::runtime_error` that names
    /// address, port and reason. Call before the loop runs, or on it.
    std::uint16_t listen();

    /// Stops accepting, sends GOAWAY, and resumes when all calls have ended or the deadline has
    /// passed, after which what is left is reset.
    awaitable<void> drain(std::chrono::milliseconds deadline);

    /// Open connections, for tests and /metrics. Thread-safe.
    [[nodiscard]] std::size_t connections() const;

    class Impl;

private:
    std::shared_ptr<Impl> impl_;  // shared with its connections: they end after the server object
};

}  // namespace florin::grpc
