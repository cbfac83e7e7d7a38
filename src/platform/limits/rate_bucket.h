#pragma once

#include <algorithm>
#include <cstdint>

#include "platform/limits/rate_limiter.h"

namespace florin::limits {

/// How a limiter counts: a bucket a key, full at first, that refills evenly over the window. When
/// it is full again is the whole state of it (the theoretical arrival time of the generic cell rate
/// algorithm). Times are nanoseconds; the refill is rounded up, so that no window ever sees more
/// calls than the limit says.
struct RateBucket {
    static constexpr std::int64_t second = 1'000'000'000;
    static constexpr std::int64_t capacity_max = 1'000'000'000;
    /// A limiter that counts in doubles is exact to the nanosecond up to here.
    static constexpr Seconds window_max{100L * 24 * 3'600};

    explicit RateBucket(const RateLimit& limit)
        : capacity(std::min(limit.capacity, capacity_max)),
          refill((std::min(limit.window, window_max).count() * second + capacity - 1) / capacity),
          whole(refill * capacity) {}

    static bool unlimited(const RateLimit& limit) {
        return limit.capacity <= 0 || limit.window <= Seconds(0);
    }

    /// What a call is told that found `used` (0 to `whole`) taken from the bucket.
    [[nodiscard]] RateDecision decide(const RateLimit& limit, std::int64_t used) const {
        RateDecision decision;
        decision.limit = limit.capacity;
        decision.allowed = used + refill <= whole;
        const std::int64_t after = used_after(used);
        decision.remaining = (whole - after) / refill;
        decision.reset = seconds_up(after);
        if (!decision.allowed)
            decision.retry_after = std::max(Seconds(1), seconds_up(used + refill - whole));
        return decision;
    }
    /// What is taken after that call.
    [[nodiscard]] std::int64_t used_after(std::int64_t used) const {
        return used + refill <= whole ? used + refill : used;
    }

    std::int64_t capacity;
    std::int64_t refill;  // of one call
    std::int64_t whole;   // of all

private:
    static Seconds seconds_up(std::int64_t nanoseconds) {
        return Seconds((nanoseconds + second - 1) / second);
    }
};

}  // namespace florin::limits
