#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "platform/base/random.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/leases/lease_rows.h"
#include "platform/leases/leases.h"
#include "platform/runtime/awaitable.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::leases {

struct LeaseOptions {
    /// A process that has shown no life for so long is dead to the others, and lets go of its work
    /// itself a moment earlier.
    Milliseconds term{4'000};
    /// How often a process shows that it lives and looks whether others do.
    Milliseconds beat{1'000};
    std::string name;  // of this process, for people
};

/// Leases of processes that share a database. No clock is compared with another machine's: each
/// process sees for itself how long another's beat has stood still. Belongs to one loop, whose run
/// and store it outlives: a beat may still wait for its commit when `stop` has given up.
class SharedLeases final : public Leases {
public:
    /// `monotonic` measures time passed and never goes back; `clock` says when the process began,
    /// for people. All references outlive this object.
    SharedLeases(runtime::Loop& loop, store::Store& store, const Clock& monotonic,
                 const Clock& clock, LeaseOptions options, telemetry::Metrics& metrics);

    bool ours(std::string_view work) override;
    void leave(std::string_view work) override;

    /// Beats until `stop`. Spawn it once.
    awaitable<void> run();
    /// Frees all work at once, so that nobody has to wait for the term. What the database has not
    /// answered by the deadline is left to the others.
    awaitable<void> stop(Milliseconds deadline);

    /// One beat. For `run`, and for tests that go step by step. Throws what the store throws.
    awaitable<void> beat_once();

private:
    /// A life sign of another process, and when it was first seen.
    struct Sign {
        std::int64_t beat = 0;
        Instant since;
    };
    struct Look {
        std::vector<Instance> others;
        Names free;
    };

    [[nodiscard]] std::vector<Instance> silent_among(const std::vector<Instance>& others,
                                                     Instant now);

    awaitable<bool> has_ended(const bool& under_way, std::chrono::steady_clock::time_point until);
    awaitable<void> leave_all();

    runtime::Loop& loop_;
    store::Store& store_;
    const Clock& monotonic_;
    const LeaseOptions options_;
    Random random_;
    Instance self_;  // its beat: what it registers with
    runtime::Wakeup wakeup_;
    Names wanted_;
    Names unwanted_;  // to be freed
    Names held_;
    Instant held_until_;
    std::map<Uuid, Sign> signs_;
    bool stopping_ = false;
    bool beating_ = false;
    bool leaving_ = false;

    telemetry::Gauge instances_;
    telemetry::Gauge held_count_;
    telemetry::Counter taken_over_;
    telemetry::Counter lost_;
};

}  // namespace florin::leases
