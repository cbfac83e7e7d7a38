#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "gateway/outcome.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::gateway {

/// The clock that decides payments when they are due. What is due stands in the store, so a restart
/// forgets nothing and catches up at once. One object a process, on its own loop.
class SettlementClock {
public:
    using OfferDeliveries = std::function<void(std::vector<WebhookDelivery>)>;

    /// `offer` gets the deliveries of each committed batch.
    SettlementClock(runtime::Loop& loop, store::Store& store, const Clock& clock, UuidGenerator ids,
                    OfferDeliveries offer, telemetry::Metrics& metrics);

    /// A payment was created that is due then. Thread-safe; cheap unless it is the earliest of all.
    void expect(Instant due);

    /// Settles until `stop`. Spawn it once, on the loop.
    awaitable<void> run();
    /// Thread-safe.
    void stop();

    /// One pass over all that is due now. For `run`, and for tests that hold the clock.
    awaitable<void> settle_due();

private:
    struct Settled {
        PaymentIntent intent;
        Instant was_due;
        IntentChange change = IntentChange::None;
        Notices notices;
    };

    bool lower_waits_for(Instant due);
    using Batch = std::vector<Settled>;
    /// Each is one pass over what is due at `now`; they hold what was stored.
    awaitable<Batch> settle_read(Instant now, std::size_t& found);
    awaitable<Batch> settle_claimed(Instant now, std::size_t& found);
    Batch decide(std::vector<PaymentIntent> due, Instant now);
    void settled(Batch batch);
    void report(const Settled& settled);

    store::Store& store_;
    const Clock& clock_;
    UuidGenerator ids_;
    OfferDeliveries offer_;
    runtime::Wakeup wakeup_;
    std::atomic<std::int64_t> waits_for_us_;  // what `run` sleeps until
    std::atomic<bool> stopping_{false};
    telemetry::Histogram lateness_;
    telemetry::Histogram batch_;
    telemetry::Gauge due_;
    telemetry::Counter settled_;
};

}  // namespace florin::gateway
