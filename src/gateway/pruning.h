#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "platform/base/time.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::gateway {

struct Retention {
    std::chrono::hours payments{168};  // 0: everything is kept
    Milliseconds idempotency{86'400'000};
};

/// Deletes what is older than its retention: a few hundred rows a command, with a pause in between,
/// so that traffic never waits for it. On one loop.
class Pruning {
public:
    Pruning(runtime::Loop& loop, store::Store& store, const Clock& clock, Retention retention,
            telemetry::Metrics& metrics);

    /// Prunes until `stop`. Spawn it once.
    awaitable<void> run();
    /// Thread-safe.
    void stop();

    /// One command; how many rows it deleted. For `run`, and for tests that hold the clock.
    awaitable<std::int64_t> prune_once();

private:
    store::Store& store_;
    const Clock& clock_;
    const Retention retention_;
    runtime::Wakeup wakeup_;
    std::atomic<bool> stopping_{false};
    telemetry::Counter pruned_;
};

}  // namespace florin::gateway
