#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "platform/base/time.h"

namespace florin::limits {

/// Percentages are of the calls in the window, from `calls_min` of them on.
struct CircuitBreakerOptions {
    int window_calls = 100;
    int calls_min = 10;
    double failure_percent = 50;
    double slow_percent = 50;
    Milliseconds slow_call{2'000};
    Milliseconds open_wait{60'000};
    int half_open_calls = 5;
};

/// What a breaker shows to people and metrics.
struct CircuitState {
    enum class Kind : std::uint8_t { Closed, Open, HalfOpen };
    Kind kind = Kind::Closed;
    std::int64_t successful = 0;  // of the calls in the window
    std::int64_t failed = 0;
    std::int64_t slow_successful = 0;
    std::int64_t slow_failed = 0;
    std::int64_t not_permitted = 0;  // since start
    double failure_percent = -1;     // -1 below calls_min
    double slow_percent = -1;
};
/// "CLOSED", "OPEN", "HALF_OPEN".
std::string_view name_of(CircuitState::Kind kind);

/// Stops calling what keeps failing, by a sliding window over the last calls. Thread-safe.
class CircuitBreaker {
public:
    CircuitBreaker(CircuitBreakerOptions options, const Clock& clock);

    /// Whether a call may go out now. True asks for one `record` (or `forget`); half-open permits
    /// count.
    bool permit();
    void record(bool success, Milliseconds duration);
    /// The call ended without telling anything about the other side (cancelled by us).
    void forget();

    [[nodiscard]] CircuitState state() const;

private:
    struct Call {
        bool failed = false;
        bool slow = false;
    };
    void add(Call call);
    void judge(Instant now);
    [[nodiscard]] CircuitState counts() const;

    const CircuitBreakerOptions options_;
    const Clock& clock_;
    mutable std::mutex mutex_;  // calls of several loops share one breaker; held for nanoseconds
    CircuitState::Kind kind_ = CircuitState::Kind::Closed;
    Instant open_until_;
    int trials_ = 0;  // permits given while half open
    std::vector<Call> window_;
    std::size_t next_ = 0;
    std::int64_t not_permitted_ = 0;
};

}  // namespace florin::limits
