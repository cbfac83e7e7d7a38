#pragma once

#include <atomic>
#include <cstddef>
#include <optional>

#include "payments/key_index.h"
#include "platform/base/time.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::payments {

/// Writes the full runs of a key index down, sorted: a piece a command, with a pause in between, so
/// that payments never wait for it. Ended at any point, it begins that run again: what is written
/// twice is the same. On one loop.
class KeySealing {
public:
    /// The references outlive this object.
    KeySealing(runtime::Loop& loop, store::Store& store, const Clock& clock, KeyIndex& keys,
               telemetry::Metrics& metrics);

    /// Seals until `stop`. Spawn it once.
    awaitable<void> run();
    /// Thread-safe.
    void stop();

    /// Seals the oldest full run; false when there is none, or it was stopped. For `run`, and
    /// tests.
    awaitable<bool> seal_one();

private:
    struct FullRun {
        KeyIndex::Run run;
        KeyFilter filter;
    };

    std::optional<FullRun> look(store::Snapshot& snapshot);
    awaitable<void> write_entries(const KeyIndex::Run& run);
    awaitable<void> write_filter(std::int64_t run, const KeyFilter& filter);

    store::Store& store_;
    const Clock& clock_;
    KeyIndex& keys_;
    runtime::Wakeup wakeup_;
    std::atomic<bool> stopping_{false};
    telemetry::Counter sealed_;
};

}  // namespace florin::payments
