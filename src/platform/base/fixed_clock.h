#pragma once

#include "platform/base/time.h"

namespace florin {

/// One moment, for what is made later as of then.
class FixedClock final : public Clock {
public:
    explicit FixedClock(Instant at) : at_(at) {}
    [[nodiscard]] Instant now() const override { return at_; }

private:
    const Instant at_;
};

}  // namespace florin
