#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "operations/dead_letter_api.h"
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

/// The outcomes of payments on their way to EventBridge, wired; nothing at all unless AWS_EVENTS is
/// on.
class AwsParts {
public:
    /// The arguments outlive the parts.
    AwsParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
             const Clock& clock, const Settings& settings, telemetry::Metrics& metrics);
    ~AwsParts();

    void start();
    /// On the background loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);
    /// The consumer groups that must have come past an event before it is deleted.
    [[nodiscard]] std::vector<std::string> consumer_groups() const;
    /// What can be given a dead letter again; lives as long as this object.
    [[nodiscard]] std::span<const operations::RelayOnLoop> relays() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;  // none when it is off
};

}  // namespace florin::app
