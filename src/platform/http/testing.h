#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "platform/http/server.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/metrics.h"

/// What the tests of this folder share: a server on a thread of its own, and the bare sockets that
/// play the ill-behaved peer.
namespace florin::http::testing {

/// A blocking socket. Reads give up after ten seconds, so that a test fails instead of hanging.
class RawSocket {
public:
    /// Connects to a port of this machine.
    explicit RawSocket(std::uint16_t port);
    /// Takes a socket over; -1: none.
    static RawSocket adopt(int descriptor);
    ~RawSocket();
    RawSocket(RawSocket&& other) noexcept;
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    /// False when the peer is gone.
    bool send(std::string_view text);
    /// What comes until `end` has come, or the peer closes.
    std::string read_until(std::string_view end);
    std::string read_to_end();
    /// One response (or request) with a Content-Length.
    std::string read_message();
    /// Closes with a reset instead of an orderly end.
    void reset();
    void shutdown_send();

private:
    RawSocket() = default;
    int descriptor_ = -1;
    std::string read_ahead_;
};

/// Accepts on a port of its own and plays `script` with every connection, on its own threads.
class RawServer {
public:
    /// `number` counts the connections from 0.
    using Script = std::function<void(RawSocket socket, int number)>;
    explicit RawServer(Script script);
    ~RawServer();
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    int descriptor_;
    std::uint16_t port_ = 0;
    Script script_;
    std::vector<std::thread> scripts_;
    std::thread thread_;
};

/// The server of this folder with a few routes, on a thread of its own: GET /small, POST /echo,
/// GET /large (JSON beyond what is compressed), GET /hold (answers after `release`), GET
/// /fault/{kind}, GET /items/{id}, GET /header (a response header made of the query's `value`).
class TestServer {
public:
    explicit TestServer(ServerOptions options = {});
    ~TestServer();
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string metrics() const { return metrics_.scrape(); }
    /// Lets the handlers of /hold answer; waits until one has been reached first.
    void release();
    void wait_until_held();
    /// Runs `Server::drain` and returns when it has ended.
    void drain(std::chrono::milliseconds deadline);

private:
    awaitable<Response> hold(Request request);
    awaitable<void> drain_on_loop(std::chrono::milliseconds deadline, std::promise<void> drained);

    runtime::Loop loop_{"http test"};
    telemetry::Metrics metrics_;
    Router router_;
    std::atomic<bool> held_{false};
    std::atomic<bool> released_{false};
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace florin::http::testing
