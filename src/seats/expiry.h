#pragma once

#include <atomic>
#include <cstdint>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"
#include "seats/reservation_service.h"

namespace florin::seats {

/// The clock that takes back the seats of holds whose time is over. What is due stands in the
/// store, so a restart forgets nothing. Several may run over one store: each hold ends once. One
/// object a process, on its own loop.
class ExpiryClock {
public:
    ExpiryClock(runtime::Loop& loop, store::Store& store, const Clock& clock,
                telemetry::Metrics& metrics);

    /// A hold was made that is over then. Thread-safe; cheap unless it is the earliest of all.
    void expect(Instant due);

    /// Expires until `stop`. Spawn it once, on the loop.
    awaitable<void> run();
    /// Thread-safe.
    void stop();

    /// One pass over all that is due now; how many it ended. For `run`, and for tests that hold the
    /// clock.
    awaitable<std::size_t> expire_due();

private:
    bool lower_waits_for(Instant due);
    awaitable<std::optional<Instant>> pass();
    void report(const std::vector<Reservation>& expired);

    store::Store& store_;
    const Clock& clock_;
    runtime::Wakeup wakeup_;
    std::atomic<std::int64_t> waits_for_us_;  // what `run` sleeps until
    std::atomic<bool> stopping_{false};
    ReservationCounters counters_;
    telemetry::Histogram lateness_;
};

}  // namespace florin::seats
