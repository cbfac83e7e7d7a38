#pragma once

#include <string_view>

#include "platform/base/time.h"

namespace florin::aws {

/// The time that signatures carry and by which credentials expire: ours, corrected by what AWS says
/// its own is. Shared by all who speak to AWS over one loop, and used only there.
class ServiceClock final : public Clock {
public:
    /// `ours` outlives this object.
    explicit ServiceClock(const Clock& ours) : ours_(ours) {}

    [[nodiscard]] Instant now() const override { return ours_.now() + offset_; }

    /// For a request that was refused: true when the answer's `date` (the header) is far from the
    /// time it was signed at, so that another one, signed now, is worth it.
    bool corrects(std::string_view date, Instant signed_at);

private:
    const Clock& ours_;
    Microseconds offset_{0};  // what the service's clock is ahead of ours
};

}  // namespace florin::aws
