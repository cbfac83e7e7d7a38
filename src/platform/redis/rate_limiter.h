#pragma once

#include <string>

#include "platform/limits/rate_limiter.h"
#include "platform/redis/script.h"

namespace florin::redis {

/// Counts in Redis, so that all instances share each limit: as the memory limiter counts, and by
/// the server's clock. A key of "authorize:merchant-1" is kept as "rate:authorize:merchant-1" while
/// its bucket is not full. When Redis is slow or gone, calls are let through at once, and say so.
/// For the loop of its client.
class RedisRateLimiter final : public limits::RateLimiter {
public:
    /// `client` outlives this object.
    explicit RedisRateLimiter(Client& client);

    awaitable<limits::RateDecision> take(std::string_view key, limits::RateLimit limit) override;
    /// A bucket that Redis could not be told of stays as it is.
    awaitable<void> give_back(std::string_view key, limits::RateLimit limit) override;

private:
    Client& client_;
    const Script take_;
    const Script give_back_;
};

}  // namespace florin::redis
