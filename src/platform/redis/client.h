#pragma once

#include <memory>
#include <vector>

#include "platform/http/tls.h"
#include "platform/redis/connection.h"

namespace florin::redis {

struct ClientOptions {
    ConnectionOptions connection;
    /// Commands of one connection answer in order: a second one keeps a short command from waiting
    /// for a long answer.
    std::size_t connections = 2;
};

/// Redis for the code of one loop: a few open connections behind a breaker. A call ends within the
/// command time-out, and at once when nothing can come of it. It outlives its loop.
class Client {
public:
    /// The references outlive this object. Throws `std::runtime_error` when the address says rediss
    /// and its `ca_file` cannot be used.
    Client(runtime::Loop& loop, ClientOptions options, Health& health);

    /// Opens the connections, and keeps them open while the loop runs. Once; thread-safe.
    void start();

    /// The answer to `command`, or why there is none. On the loop.
    awaitable<Answer> call(Command command);

    [[nodiscard]] runtime::Loop& loop() { return loop_; }

private:
    Connection& least_busy();

    runtime::Loop& loop_;
    const ClientOptions options_;
    const http::TlsContext tls_;
    Health& health_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace florin::redis
