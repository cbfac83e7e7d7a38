#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "platform/base/time.h"
#include "platform/runtime/wakeup.h"
#include "platform/store/pruning_pace.h"
#include "platform/store/session.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {

class Store;

/// Deletes up to `limit` rows whose time has passed at `now`; how many it deleted. Like every
/// command it may run again from the start.
using PruneRule = std::function<std::int64_t(Transaction& tx, Instant now, int limit)>;

/// Whether this process is to prune: of those that share a store, one does. Asked on the loop.
using MayPrune = std::function<bool()>;

/// Deletes what is older than its retention, in commands short enough that traffic does not notice
/// them and with rests in between (`PruningPace`). On one loop.
class Pruning {
public:
    Pruning(
        runtime::Loop& loop, Store& store, const Clock& clock, std::vector<PruneRule> rules,
        telemetry::Metrics& metrics, MayPrune may_prune = [] { return true; });

    /// Prunes until `stop`. Spawn it once.
    awaitable<void> run();
    /// Thread-safe.
    void stop();

    /// One command; how many rows it deleted. For tests that hold the clock.
    awaitable<std::int64_t> prune_once();

private:
    awaitable<PruningPace::Turn> take_turn();

    Store& store_;
    const Clock& clock_;
    const std::vector<PruneRule> rules_;
    const MayPrune may_prune_;
    runtime::Wakeup wakeup_;
    PruningPace pace_;
    std::atomic<bool> stopping_{false};
    telemetry::Counter pruned_;
};

}  // namespace florin::store
