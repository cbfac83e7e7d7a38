#include "platform/redis/client.h"

#include <algorithm>

#include "platform/runtime/loop.h"

namespace florin::redis {
namespace {

using Kind = Failure::Kind;

/// A breaker's permit, which is given back when the call ends before its answer.
class Permit {
public:
    explicit Permit(Health& health) : health_(health) {}
    ~Permit() {
        if (!ended_) health_.forget();
    }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

    void end(const Answer& answer) {
        ended_ = true;
        // A server that does not know our script is well.
        const bool well = answer || (answer.error().kind == Kind::Refused &&
                                     answer.error().reason.starts_with("NOSCRIPT"));
        health_.ended(well ? nullptr : &answer.error(), std::chrono::steady_clock::now() - began_);
    }

private:
    Health& health_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    bool ended_ = false;
};

}  // namespace

Client::Client(runtime::Loop& loop, ClientOptions options, Health& health)
    : loop_(loop),
      options_(std::move(options)),
      tls_(options_.connection.address.tls ? http::client_tls(options_.connection.ca_file, "")
                                           : nullptr),
      health_(health) {
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.connections, 1); ++i) {
        connections_.push_back(
            std::make_unique<Connection>(loop_, options_.connection, tls_.get(), health_));
    }
}

void Client::start() {
    for (const auto& connection : connections_) runtime::spawn(loop_, "redis", connection->run());
}

awaitable<Answer> Client::call(Command command) {
    if (!health_.permit()) {
        co_return std::unexpected(
            Failure{Kind::NotCalled, "Redis keeps failing and is not called for a while"});
    }
    Permit permit(health_);
    Answer answer = co_await least_busy().call(std::move(command));
    permit.end(answer);
    co_return answer;
}

Connection& Client::least_busy() {
    const auto rank = [](const auto& connection) {
        return std::pair(!connection->open(), connection->under_way());
    };
    return **std::ranges::min_element(connections_, {}, rank);
}

}  // namespace florin::redis
