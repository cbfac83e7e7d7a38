#pragma once

#include <memory>
#include <string>

#include "platform/cache/cache.h"
#include "platform/limits/rate_limiter.h"

namespace florin::runtime {
class Loop;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

struct Settings;

/// Redis, wired: connections of their own for each serving loop, one breaker for all. Nothing runs
/// unless REDIS_URL names one.
class RedisParts {
public:
    /// The arguments outlive the parts, which outlive the loops. Throws `std::runtime_error` when
    /// the certificates cannot be used.
    RedisParts(const Settings& settings, telemetry::Metrics& metrics);
    ~RedisParts();

    [[nodiscard]] bool wanted() const { return parts_ != nullptr; }

    /// What all instances share, for the code of one loop.
    struct Shared {
        limits::RateLimiter& limiter;
        cache::Cache& cache;
    };
    /// Opens connections on `loop`. Before it runs; only when Redis is wanted.
    Shared on(runtime::Loop& loop);

    /// What is wrong with Redis, for people; empty when nothing is. Thread-safe.
    [[nodiscard]] std::string fault() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
