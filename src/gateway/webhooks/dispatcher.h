#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "gateway/webhooks/delivery.h"
#include "gateway/webhooks/retry.h"
#include "platform/runtime/awaitable.h"

namespace florin::leases {
class Leases;
}
namespace florin::runtime {
class Loop;
}
namespace florin::store {
class Store;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::gateway {

class WebhookSender;

struct DispatcherOptions {
    std::size_t per_origin_max = 32;  // attempts under way at once to one receiver
    std::size_t lane_queue_max =
        1'024;  // deliveries of one receiver in memory; the rest wait in the store
    std::size_t lanes_max = 4'096;  // receivers in memory; the rest wait in the store
    RetryPolicy retry{};
    std::uint64_t jitter_seed = 1;
};

/// Sends due webhooks from the store, each receiver in a lane of its own, and records the results
/// in bulk. A receiver belongs to the process that holds the lease with the name of its origin, so
/// that processes which share a store keep its limits and send nothing twice. Lives on one loop;
/// `offer` and `look_again` may be called from any thread.
class Dispatcher {
public:
    Dispatcher(runtime::Loop& loop, store::Store& store, WebhookSender& sender,
               leases::Leases& leases, const Clock& clock, DispatcherOptions options,
               telemetry::Metrics& metrics);
    ~Dispatcher();

    /// Hands over deliveries whose transaction has committed, to spare reading them back. Without
    /// effect unless it runs: the store has them for the process whose dispatcher does.
    void offer(std::vector<WebhookDelivery> deliveries);
    /// Something became due that was not offered, or the clock of a test has moved.
    void look_again();

    /// Takes up what the store holds, then works until `stop`. Spawn it once.
    awaitable<void> run();

    /// Starts no more attempts, waits for those under way (until `deadline`) and records their
    /// results. On the loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;  // shared with the attempts under way
};

}  // namespace florin::gateway
