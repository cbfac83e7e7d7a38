#pragma once

#include <chrono>
#include <cstdint>

namespace florin {

using Microseconds = std::chrono::microseconds;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// A point in time, UTC, in microseconds since the Unix epoch: the precision every store keeps.
using Instant = std::chrono::sys_time<Microseconds>;

constexpr std::int64_t unix_us(Instant at) {
    return at.time_since_epoch().count();
}
constexpr std::int64_t unix_ms(Instant at) {
    return unix_us(at) / 1'000;
}
constexpr std::int64_t unix_seconds(Instant at) {
    return unix_us(at) / 1'000'000;
}
constexpr Instant instant_from_unix_us(std::int64_t us) {
    return Instant(Microseconds(us));
}

/// Where the time of day comes from. Implementations are thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Instant now() const override {
        return std::chrono::time_point_cast<Microseconds>(std::chrono::system_clock::now());
    }
};

/// Measures time that passes: never goes back, and tells nothing of the time of day.
class MonotonicClock final : public Clock {
public:
    [[nodiscard]] Instant now() const override {
        return Instant(std::chrono::duration_cast<Microseconds>(
            std::chrono::steady_clock::now().time_since_epoch()));
    }
};

}  // namespace florin
