#pragma once

#include <atomic>

#include "platform/base/time.h"

namespace florin {

/// A clock for tests: time stands still until it is moved. Thread-safe.
class ManualClock final : public Clock {
public:
    explicit ManualClock(Instant start = instant_from_unix_us(1'700'000'000'000'000))
        : now_us_(unix_us(start)) {}

    [[nodiscard]] Instant now() const override { return instant_from_unix_us(now_us_.load()); }
    void advance(Microseconds by) { now_us_ += by.count(); }
    void set(Instant at) { now_us_ = unix_us(at); }

private:
    std::atomic<std::int64_t> now_us_;
};

}  // namespace florin
