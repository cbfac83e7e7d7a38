#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "platform/limits/circuit_breaker.h"
#include "platform/redis/failure.h"
#include "platform/telemetry/metrics.h"

namespace florin::redis {

/// What one process knows of its Redis, shared by the clients of all its loops: the breaker, the
/// metrics and the last fault. Thread-safe.
class Health {
public:
    /// `server` names it in logs, without secrets; `clock` is monotonic and outlives this object,
    /// which outlives the scrapes of `metrics`.
    Health(std::string server, const limits::CircuitBreakerOptions& breaker, const Clock& clock,
           telemetry::Metrics& metrics);

    /// Whether a command may be sent now. True asks for one `ended`.
    bool permit();
    /// A permitted command ended after so long: `failure` is why it has no answer, or null.
    void ended(const Failure* failure, std::chrono::nanoseconds duration);
    /// It ended without telling anything of Redis.
    void forget();

    void connected();
    void disconnected(std::string_view reason);
    void unreachable(std::string_view reason);

    /// What is wrong, for /ready; empty when nothing is.
    [[nodiscard]] std::string fault() const;

private:
    void keep(std::string_view reason);
    void count(Failure::Kind kind) { failures_[static_cast<std::size_t>(kind)].add(); }

    const std::string server_;
    limits::CircuitBreaker breaker_;
    std::atomic<int> connections_{0};
    std::atomic<bool> known_unreachable_{false};  // logged once, until it is reached
    mutable std::mutex mutex_;
    std::string reason_;  // of the last fault; guarded by mutex_
    telemetry::Histogram latency_;
    std::vector<telemetry::Counter> failures_;  // by kind
};

}  // namespace florin::redis
