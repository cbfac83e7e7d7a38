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
    Milliseconds slow_call{2'000};  // a call is slow when it took longer
    Milliseconds open_wait{60'000};
    int half_open_calls = 5;
};

/// What a breaker shows to people and metrics.
struct CircuitState {
    enum class Kind : std::uint8_t { Closed, Open, HalfOpen };
    Kind kind = Kind::Closed;
    std::int64_t successful = 0;  // of the calls in the window, the slow ones included
    std::int64_t failed = 0;      // likewise
    std::int64_t slow_successful = 0;
    std::int64_t slow_failed = 0;
    std::int64_t not_permitted = 0;  // since start
    double failure_percent = -1;     // -1 below calls_min
    double slow_percent = -1;
};
/// "CLOSED", "OPEN", "HALF_OPEN".
std::string_view name_of(CircuitState::Kind kind);

/// Stops calling what keeps failing, by a sliding window over the last calls. Closed: every call
/// goes out; too many failed or slow ones open it. Open: none does, until `open_wait` has passed.
/// Half open: `half_open_calls` trials go out, and once all have ended they are judged together:
/// they close it or open it again. Thread-safe.
class CircuitBreaker {
public:
    /// Counts below 1 count as 1; `calls_min` reaches at most the window. `clock` is monotonic.
    CircuitBreaker(CircuitBreakerOptions options, const Clock& clock);

    /// Whether a call may go out now. True asks for one `record` (or `forget`): a half-open permit
    /// that is never given back holds the breaker half open.
    bool permit();
    void record(bool success, Milliseconds duration);
    /// The call ended without telling anything about the other side (cancelled by us).
    void forget();

    /// An open breaker shows as half open as soon as the next call would be let through.
    [[nodiscard]] CircuitState state() const;

private:
    struct Call {
        bool failed = false;
        bool slow = false;
    };
    void move_to(CircuitState::Kind kind);
    void add(Call call);
    void judge(Instant now);
    [[nodiscard]] CircuitState counts() const;
    [[nodiscard]] std::size_t enough_calls() const;
    [[nodiscard]] std::size_t window_calls() const;

    const CircuitBreakerOptions options_;
    const Clock& clock_;
    mutable std::mutex mutex_;  // calls of several loops share one breaker; held for nanoseconds
    CircuitState::Kind kind_ = CircuitState::Kind::Closed;
    Instant open_until_;
    int trials_ = 0;  // permits given while half open
    std::vector<Call> window_;
    std::size_t next_ = 0;  // the oldest call, once the window is full
    std::int64_t not_permitted_ = 0;
};

}  // namespace florin::limits
