#pragma once

#include <chrono>
#include <memory>

#include "platform/runtime/awaitable.h"

namespace florin {
class Clock;
}
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

namespace florin::app {

struct Settings;

/// What is this process's alone, wired: shared out by leases where other processes have the same
/// database, everything where it is only ours.
class LeaseParts {
public:
    /// The arguments outlive the parts.
    LeaseParts(runtime::Loop& background, store::Store& store, const Clock& clock,
               const Settings& settings, telemetry::Metrics& metrics);
    ~LeaseParts();

    /// For work on the background loop.
    [[nodiscard]] leases::Leases& leases();
    void start();
    /// After the work has ended. On the background loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
