#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::limits {

/// So many calls a window; either at or below zero: no limit.
struct RateLimit {
    std::int64_t capacity = 20;
    Seconds window{60};
};

/// What a limiter said of one call; what `RateLimit-*` and `Retry-After` fields are made of.
struct RateDecision {
    bool allowed = true;
    std::int64_t limit = 0;  // the capacity; 0: no limit
    std::int64_t remaining = 0;
    Seconds reset{0};        // until the whole capacity is there again
    Seconds retry_after{0};  // for a refused call, at least 1
    bool limiter_failed =
        false;  // the store of the limiter is gone: the call is let through, and counted
};

/// Port: counts calls by key ("authorize:merchant-1").
class RateLimiter {
public:
    virtual ~RateLimiter() = default;
    virtual awaitable<RateDecision> take(std::string_view key, RateLimit limit) = 0;
    /// Gives back what `take` counted: the call turned out to be a replay.
    virtual awaitable<void> give_back(std::string_view key, RateLimit limit) = 0;
};

}  // namespace florin::limits
