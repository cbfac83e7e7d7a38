#include "platform/limits/circuit_breaker.h"

#include <algorithm>

namespace florin::limits {
namespace {

using Kind = CircuitState::Kind;

CircuitBreakerOptions sane(CircuitBreakerOptions options) {
    options.window_calls = std::max(options.window_calls, 1);
    options.calls_min = std::clamp(options.calls_min, 1, options.window_calls);
    options.half_open_calls = std::max(options.half_open_calls, 1);
    return options;
}

double percent(std::int64_t part, std::size_t whole) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::Closed:
            return "CLOSED";
        case Kind::Open:
            return "OPEN";
        case Kind::HalfOpen:
            return "HALF_OPEN";
    }
    return {};
}

CircuitBreaker::CircuitBreaker(CircuitBreakerOptions options, const Clock& clock)
    : options_(sane(options)), clock_(clock) {
    window_.reserve(window_calls());
}

bool CircuitBreaker::permit() {
    const Instant now = clock_.now();
    const std::scoped_lock lock(mutex_);
    if (kind_ == Kind::Closed) return true;
    if (kind_ == Kind::Open && now >= open_until_) move_to(Kind::HalfOpen);
    if (kind_ == Kind::HalfOpen && trials_ < options_.half_open_calls) {
        ++trials_;
        return true;
    }
    ++not_permitted_;
    return false;
}

// Calls do not say when they were permitted: one that began before the breaker opened and outlives
// `open_wait` counts as a trial. It tells of the same other side, and later than the window did.
void CircuitBreaker::record(bool success, Milliseconds duration) {
    const Instant now = clock_.now();
    const std::scoped_lock lock(mutex_);
    add({!success, duration > options_.slow_call});
    if (kind_ != Kind::Open) judge(now);
}

void CircuitBreaker::forget() {
    const std::scoped_lock lock(mutex_);
    const auto ended = static_cast<int>(window_.size());
    if (kind_ == Kind::HalfOpen && trials_ > ended) --trials_;
}

CircuitState CircuitBreaker::state() const {
    const Instant now = clock_.now();
    const std::scoped_lock lock(mutex_);
    CircuitState shown;
    if (kind_ == Kind::Open && now >= open_until_) {
        shown.kind = Kind::HalfOpen;
    } else {
        shown = counts();
        shown.kind = kind_;
    }
    shown.not_permitted = not_permitted_;
    return shown;
}

void CircuitBreaker::move_to(Kind kind) {
    kind_ = kind;
    trials_ = 0;
    if (kind == Kind::Open) return;  // it shows what opened it
    window_.clear();
    next_ = 0;
}

void CircuitBreaker::add(Call call) {
    if (window_.size() < window_calls()) {
        window_.push_back(call);
        return;
    }
    window_[next_] = call;
    next_ = (next_ + 1) % window_.size();
}

void CircuitBreaker::judge(Instant now) {
    const CircuitState seen = counts();
    if (seen.failure_percent < 0) return;
    if (seen.failure_percent >= options_.failure_percent ||
        seen.slow_percent >= options_.slow_percent) {
        move_to(Kind::Open);
        open_until_ = now + options_.open_wait;
    } else if (kind_ == Kind::HalfOpen) {
        move_to(Kind::Closed);
    }
}

CircuitState CircuitBreaker::counts() const {
    CircuitState counted;
    for (const Call& call : window_) {
        ++(call.failed ? counted.failed : counted.successful);
        if (call.slow) ++(call.failed ? counted.slow_failed : counted.slow_successful);
    }
    if (window_.size() >= enough_calls()) {
        counted.failure_percent = percent(counted.failed, window_.size());
        counted.slow_percent =
            percent(counted.slow_successful + counted.slow_failed, window_.size());
    }
    return counted;
}

std::size_t CircuitBreaker::enough_calls() const {
    switch (kind_) {
        case Kind::Closed:
            return static_cast<std::size_t>(options_.calls_min);
        case Kind::Open:
            return 1;  // judged already
        case Kind::HalfOpen:
            return static_cast<std::size_t>(options_.half_open_calls);
    }
    return 1;
}

std::size_t CircuitBreaker::window_calls() const {
    return static_cast<std::size_t>(kind_ == Kind::HalfOpen ? options_.half_open_calls
                                                            : options_.window_calls);
}

}  // namespace florin::limits
