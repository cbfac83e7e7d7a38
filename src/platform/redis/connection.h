#pragma once

#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "platform/http/channel.h"
#include "platform/limits/backoff.h"
#include "platform/redis/command.h"
#include "platform/redis/failure.h"
#include "platform/redis/health.h"
#include "platform/redis/url.h"
#include "platform/runtime/awaitable.h"

namespace boost::asio::ssl {
class context;
}
namespace florin::runtime {
class Loop;
}

namespace florin::redis {

struct ConnectionOptions {
    Address address;
    std::string ca_file;                  // PEM file of extra roots for rediss
    Milliseconds connect_timeout{1'000};  // from the name's look-up to the answer of the log-in
    Milliseconds command_timeout{50};
    Milliseconds stall_timeout{1'000};  // without any answer to what was sent: it is opened anew
    std::size_t commands_max = 512;     // under way at once; the rest is refused
    limits::BackoffPolicy reconnect{Milliseconds(50), Milliseconds(2'000)};
};

/// Connects to the first of `addresses` that takes it. They share the time until `until`, so that
/// one where nobody answers leaves some to those behind it. Empty and `failed` set: none did.
awaitable<std::unique_ptr<http::Channel>> connect_to_one(runtime::Loop& loop,
                                                         http::Watchdog& watchdog,
                                                         std::vector<std::string> addresses,
                                                         std::uint16_t port, http::SteadyTime until,
                                                         std::error_code& failed);

/// One connection that stays open: what comes in one turn of the loop goes out in one piece, and
/// answers come back in order. When it breaks, everything under way fails at once and it is opened
/// again after a while. On one loop; it outlives the loop.
class Connection {
public:
    /// The arguments outlive this object; `tls` is null for redis://.
    Connection(runtime::Loop& loop, const ConnectionOptions& options,
               boost::asio::ssl::context* tls, Health& health);
    ~Connection();

    /// Keeps the connection open as long as the loop runs. Spawn it once.
    awaitable<void> run();

    /// Sends a command; its answer, or why there is none by the time-out. Never waits for a
    /// connection. A list may hold error replies; the reply itself is none.
    awaitable<Answer> call(Command command);

    [[nodiscard]] bool open() const { return !link_.expired(); }
    /// Commands without an answer, those that timed out among them.
    [[nodiscard]] std::size_t under_way() const;

private:
    struct Link;
    struct Caller;
    class Opener;

    awaitable<std::string> serve(std::shared_ptr<Link> link);
    static awaitable<void> send_all(std::shared_ptr<Link> link);

    runtime::Loop& loop_;
    const ConnectionOptions& options_;
    boost::asio::ssl::context* const tls_;
    Health& health_;
    std::weak_ptr<Link> link_;  // owned by `run`, which ends with the loop
};

}  // namespace florin::redis
