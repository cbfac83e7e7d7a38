#include "platform/redis/health.h"

#include "platform/telemetry/log.h"

namespace florin::redis {
namespace {

using Kind = Failure::Kind;
using Circuit = limits::CircuitState::Kind;

constexpr Kind kinds[] = {Kind::NotCalled, Kind::NotConnected, Kind::Busy,
                          Kind::TimedOut,  Kind::Broken,       Kind::Refused};

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::NotCalled:
            return "not_called";
        case Kind::NotConnected:
            return "not_connected";
        case Kind::Busy:
            return "busy";
        case Kind::TimedOut:
            return "timed_out";
        case Kind::Broken:
            return "broken";
        case Kind::Refused:
            return "refused";
    }
    return {};
}

Health::Health(std::string server, const limits::CircuitBreakerOptions& breaker, const Clock& clock,
               telemetry::Metrics& metrics)
    : server_(std::move(server)),
      breaker_(breaker, clock),
      reason_("no connection was opened yet"),
      latency_(metrics.histogram("florin_redis_command_seconds",
                                 "Time from a command of Redis to its answer",
                                 telemetry::latency_bounds())) {
    for (const Kind kind : kinds) {
        failures_.push_back(metrics.counter("florin_redis_failures_total",
                                            "Commands of Redis without an answer, by the reason",
                                            {{"reason", std::string(name_of(kind))}}));
    }
    metrics.gauge_from("florin_redis_connections", "Open connections to Redis", {},
                       [this] { return static_cast<double>(connections_.load()); });
    metrics.gauge_from("florin_redis_breaker_open",
                       "1 while Redis is not called because it keeps failing", {},
                       [this] { return breaker_.state().kind == Circuit::Closed ? 0.0 : 1.0; });
}

bool Health::permit() {
    if (breaker_.permit()) return true;
    count(Kind::NotCalled);
    return false;
}

void Health::ended(const Failure* failure, std::chrono::nanoseconds duration) {
    const auto milliseconds = std::chrono::duration_cast<Milliseconds>(duration);
    breaker_.record(failure == nullptr, milliseconds);
    if (failure == nullptr) {
        latency_.observe(std::chrono::duration<double>(duration).count());
        return;
    }
    count(failure->kind);
    keep(failure->reason);
    telemetry::warning("A command of Redis has failed", {{"server", server_},
                                                         {"kind", name_of(failure->kind)},
                                                         {"reason", failure->reason},
                                                         {"duration_ms", milliseconds.count()}});
}

void Health::forget() {
    breaker_.forget();
}

void Health::connected() {
    ++connections_;
    if (known_unreachable_.exchange(false))
        telemetry::info("Redis can be reached again", {{"server", server_}});
}

void Health::disconnected(std::string_view reason) {
    --connections_;
    keep(reason);
    telemetry::warning("A connection to Redis has ended",
                       {{"server", server_}, {"reason", reason}});
}

void Health::unreachable(std::string_view reason) {
    keep(reason);
    if (known_unreachable_.exchange(true)) return;
    telemetry::warning("Redis cannot be reached; what needs it goes on without",
                       {{"server", server_}, {"reason", reason}});
}

std::string Health::fault() const {
    const bool unused = breaker_.state().kind == Circuit::Open;
    if (connections_ > 0 && !unused) return {};
    const std::scoped_lock lock(mutex_);
    return (unused ? "it is not called for a while: " : "") + reason_;
}

void Health::keep(std::string_view reason) {
    const std::scoped_lock lock(mutex_);
    reason_ = reason;
}

}  // namespace florin::redis
