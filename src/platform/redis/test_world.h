#pragma once

#include <memory>
#include <string>
#include <utility>

#include "platform/base/require.h"
#include "platform/redis/client.h"
#include "platform/redis/test_server.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/telemetry/metrics.h"

namespace florin::redis {

/// One server for all tests that leave it running; empty when a test begins.
inline TestServer& shared_server() {
    static TestServer server;
    return server;
}

inline ClientOptions options_for(const std::string& url) {
    ClientOptions options;
    const auto address = parse_redis_url(url);
    require(address.has_value(), "a test's URL is right");
    options.connection.address = *address;
    // Tests share two cores with whatever else runs: a time-out is for those that ask for it.
    options.connection.command_timeout = Milliseconds(10'000);
    options.connection.stall_timeout = Milliseconds(10'000);
    options.connection.connect_timeout = Milliseconds(10'000);
    options.connection.reconnect = {Milliseconds(5), Milliseconds(20)};
    return options;
}

/// A breaker that never opens.
inline limits::CircuitBreakerOptions no_breaker() {
    limits::CircuitBreakerOptions options;
    options.failure_percent = 101;
    options.slow_percent = 101;
    return options;
}

/// A client with its loop, as one serving loop has it.
class TestClient {
public:
    explicit TestClient(const std::string& url) : TestClient(options_for(url)) {}
    explicit TestClient(ClientOptions options,
                        const limits::CircuitBreakerOptions& breaker = no_breaker())
        : health_(options.connection.address.shown(), breaker, clock_, metrics_) {
        loop_ = std::make_unique<runtime::Loop>("test");
        client_ = std::make_unique<Client>(*loop_, std::move(options), health_);
        client_->start();
    }
    // As in the product: loops end before what lives on them.
    ~TestClient() { loop_.reset(); }
    TestClient(const TestClient&) = delete;
    TestClient& operator=(const TestClient&) = delete;

    [[nodiscard]] Client& client() { return *client_; }
    [[nodiscard]] Health& health() { return health_; }
    [[nodiscard]] runtime::Loop& loop() { return *loop_; }
    [[nodiscard]] std::string scrape() const { return metrics_.scrape(); }

    void run(awaitable<void> task) { runtime::run_until_done(*loop_, std::move(task)); }
    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop_, std::move(task));
    }

    /// Waits for connections; false when there are none in time.
    bool reached() {
        return holds([this] { return health_.fault().empty(); });
    }
    bool holds(std::function<bool()> condition) {
        return get(store::eventually(std::move(condition)));
    }
    Answer call(Command command) { return get(client_->call(std::move(command))); }

private:
    MonotonicClock clock_;
    telemetry::Metrics metrics_;
    Health health_;
    std::unique_ptr<Client> client_;
    std::unique_ptr<runtime::Loop> loop_;
};

}  // namespace florin::redis
