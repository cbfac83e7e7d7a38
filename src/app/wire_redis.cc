#include "app/wire_redis.h"

#include <deque>

#include "app/settings.h"
#include "platform/base/require.h"
#include "platform/base/time.h"
#include "platform/redis/cache.h"
#include "platform/redis/client.h"
#include "platform/redis/rate_limiter.h"

namespace florin::app {
namespace {

redis::ClientOptions client_options(const Settings& settings) {
    const auto address = redis::parse_redis_url(settings.redis.url);
    require(address.has_value(), "settings are checked");
    redis::ClientOptions options;
    options.connection.address = *address;
    options.connection.ca_file = settings.redis.ca_file;
    options.connection.command_timeout = settings.redis.timeout;
    return options;
}

/// Redis is only ever waited for within its time-out, so a breaker that opens late costs little,
/// and one that tries again soon brings the limits back soon.
limits::CircuitBreakerOptions breaker_options(const Settings& settings) {
    limits::CircuitBreakerOptions options;
    options.slow_call = settings.redis.timeout;
    options.open_wait = Milliseconds(2'000);
    options.half_open_calls = 3;
    return options;
}

}  // namespace

struct RedisParts::Parts {
    Parts(const Settings& settings, telemetry::Metrics& metrics)
        : options(client_options(settings)),
          health(options.connection.address.shown(), breaker_options(settings), monotonic,
                 metrics) {}

    struct OnLoop {
        OnLoop(runtime::Loop& loop, Parts& parts) : client(loop, parts.options, parts.health) {}

        redis::Client client;
        redis::RedisRateLimiter limiter{client};
        redis::RedisCache cache{client};
    };

    const redis::ClientOptions options;
    MonotonicClock monotonic;
    redis::Health health;
    std::deque<OnLoop> loops;
};

RedisParts::RedisParts(const Settings& settings, telemetry::Metrics& metrics) {
    if (!settings.redis.url.empty()) parts_ = std::make_unique<Parts>(settings, metrics);
}

RedisParts::~RedisParts() = default;

RedisParts::Shared RedisParts::on(runtime::Loop& loop) {
    auto& here = parts_->loops.emplace_back(loop, *parts_);
    here.client.start();
    return {here.limiter, here.cache};
}

std::string RedisParts::fault() const {
    return parts_->health.fault();
}

}  // namespace florin::app
