#pragma once

#include <chrono>
#include <memory>
#include <span>

#include "operations/dead_letter_api.h"
#include "platform/runtime/awaitable.h"

namespace florin {
class Clock;
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

namespace florin::app {

struct Settings;

/// The reservation worker, wired, on one loop.
class WorkerParts {
public:
    /// The arguments outlive the parts; the settings have been checked by `missing_for_worker`.
    WorkerParts(runtime::Loop& loop, store::Store& store, const Clock& clock,
                const Settings& settings, telemetry::Metrics& metrics);
    ~WorkerParts();

    void start();
    /// On the loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);
    /// Whether the last poll of the queue was answered. Thread-safe.
    [[nodiscard]] bool queue_answers() const;
    /// What can be given a dead letter again; lives as long as this object.
    [[nodiscard]] std::span<const operations::RelayOnLoop> relays() const;
    /// A dead letter has been handled: count those that wait again. Thread-safe.
    void dead_letters_changed();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
