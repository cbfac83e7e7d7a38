#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "platform/http/message.h"
#include "platform/http/url.h"
#include "platform/runtime/awaitable.h"

namespace boost::asio::ip {
class address;
}
namespace florin::runtime {
class Loop;
}

namespace florin::http {

/// Which addresses a client may connect to. Asked for every resolved address, on every hop.
struct EgressPolicy {
    /// Refuses private, loopback, link-local, multicast, unspecified, shared (100.64/10), benchmark
    /// and documentation ranges, IPv4-mapped and NAT64 forms of them, and cloud metadata addresses.
    bool public_only = false;
    /// Exceptions: host names (exact) or CIDR blocks that are allowed all the same.
    std::vector<std::string> allowed;
};

/// True when `policy` lets a client talk to `address`, reached under the name `host`.
bool allows(const EgressPolicy& policy, std::string_view host,
            const boost::asio::ip::address& address);

struct ClientOptions {
    EgressPolicy egress;
    std::size_t connections_per_origin_max = 64;
    std::size_t idle_per_origin_max = 64;
    std::size_t origins_max = 4'096;  // idle origins are forgotten past this, oldest first
    std::chrono::milliseconds idle_timeout{90'000};
    std::chrono::milliseconds connect_timeout{5'000};
    std::size_t response_body_bytes_max = 64 * 1024;
    unsigned redirects_max = 10;
    /// PEM file of extra trusted roots; the system's are always trusted.
    std::string ca_file;
};

struct ClientRequest {
    std::string method = "POST";
    Url url;
    Headers headers;  // Host, Content-Length and Connection are the client's business
    std::string body;
    std::chrono::milliseconds deadline{30'000};  // the whole exchange, redirects included
};

struct ClientError {
    enum class Kind : std::uint8_t { Refused, Resolve, Connect, Tls, Timeout, Protocol, Redirects };
    Kind kind;
    std::string text;  // for people: names host and reason
    /// Nothing can have reached the server's application (so even a money call may be sent again).
    bool unsent = false;
};

struct ClientResponse {
    unsigned status = 0;
    Headers headers;
    std::string body;  // cut at the limit
};

/// An HTTP/1.1 client with pooled keep-alive connections, for one loop. Follows redirects as Go's
/// client does: 301, 302 and 303 turn POST into GET, 307 and 308 send it again. A pooled connection
/// that the server closed before any byte of the answer is replaced once, silently.
class Client {
public:
    Client(runtime::Loop& loop, ClientOptions options);
    ~Client();

    awaitable<std::expected<ClientResponse, ClientError>> send(ClientRequest request);

    /// Connections open to an origin, busy or idle, for tests.
    [[nodiscard]] std::size_t connections(std::string_view origin) const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;  // shared with its connections' timers
};

}  // namespace florin::http
