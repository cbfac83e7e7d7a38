#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "platform/grpc/health.h"
#include "platform/grpc/server.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/metrics.h"

namespace florin::grpc {

/// Fills `services` with test.Echo: Unary and Bidi give back what comes, Fail and Throw do not,
/// Wait ends when its call is cancelled, Metadata answers with the header x-thing-bin.
void add_echo(Services& services);
/// Calls of Wait that have seen their cancellation, in this process.
int waits_cancelled();

/// Waits until `condition` holds; false when it did not within ten seconds.
bool eventually(const std::function<bool()>& condition);

/// A server with the echo service, health and reflection on a loop and thread of its own.
class TestServer {
public:
    explicit TestServer(ServerLimits limits = {});
    explicit TestServer(ServerOptions options);
    ~TestServer();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] Server& server() { return *server_; }
    /// Begins to drain; `drained` tells when it has ended.
    void drain();
    [[nodiscard]] bool drained() const { return drained_; }
    /// Connections that the server ended for that reason.
    [[nodiscard]] bool ended(const std::string& reason) const;
    /// Waits until that many calls of a method of test.Echo have begun.
    [[nodiscard]] bool started(const std::string& method, int calls = 1) const;
    /// Whether the text of /metrics has that line.
    [[nodiscard]] bool has_metric(const std::string& line) const;
    /// Destroys the server before its metrics.
    void destroy();

    std::atomic<bool> serving = true;
    /// Calls of test.Echo/Hold give back what came once this is false.
    std::atomic<bool> holding = true;

private:
    awaitable<void> drain_and_note();
    awaitable<Status> hold(std::string request, std::string& answer);

    telemetry::Metrics metrics_;
    Services services_;
    runtime::Loop loop_;
    std::optional<Server> server_;
    std::uint16_t port_ = 0;
    std::atomic<bool> drained_ = false;
    std::thread thread_;
};

}  // namespace florin::grpc
