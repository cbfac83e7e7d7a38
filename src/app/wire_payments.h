#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "operations/dead_letter_api.h"
#include "platform/runtime/awaitable.h"
#include "platform/store/pruning.h"

namespace florin {
class Clock;
}
namespace florin::http {
class Router;
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

class EventGroups;
class RedisParts;
struct ServingLoop;
struct Settings;

/// The merchant payments, wired: background work on one loop, a face on every serving loop.
class PaymentParts {
public:
    /// The arguments outlive the parts.
    PaymentParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                 EventGroups& groups, const Clock& clock, const Settings& settings,
                 telemetry::Metrics& metrics);
    ~PaymentParts();

    /// What they delete.
    [[nodiscard]] std::vector<store::PruneRule> prune_rules() const;
    /// The consumer groups that must have come past an event before it is deleted.
    [[nodiscard]] std::vector<std::string> consumer_groups() const;

    /// Reads what payments need in memory, so that the first one does not wait for it. Before the
    /// loops run.
    awaitable<void> open();

    /// Adds the faces to one serving loop's table. Before the loops run. `redis`, which outlives
    /// the parts, shares limits and answers if it is wanted. `redrivers`: of all parts, to be given
    /// their dead letters again.
    void add_faces(ServingLoop& serving, RedisParts& redis, operations::Redrivers redrivers);
    /// What can be given a dead letter again; lives as long as this object.
    [[nodiscard]] std::span<broker::Consumer* const> consumers() const;
    /// Spawns the background work on its loop.
    void start();
    /// Ends it in order; what is under way stays in the store. On the background loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
