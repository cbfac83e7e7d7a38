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
namespace florin::leases {
class Leases;
}
namespace florin::runtime {
class Loop;
}
namespace florin::seats {
class LocalServices;
}
namespace florin::store {
class Store;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

struct Settings;

/// The reservation worker inside the service, wired: it takes outcomes from the log to the
/// reservations of this process, or to the services that the settings name. Nothing at all when
/// RESERVATION_WORKER is off.
class LocalWorkerParts {
public:
    /// The arguments outlive the parts; `own` lives on `background`.
    LocalWorkerParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                     const Clock& clock, const Settings& settings, seats::LocalServices& own,
                     telemetry::Metrics& metrics);
    ~LocalWorkerParts();

    void start();
    /// On the background loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);
    /// What it deletes.
    [[nodiscard]] std::vector<store::PruneRule> prune_rules() const;
    /// The consumer groups that must have come past an event before it is deleted.
    [[nodiscard]] std::vector<std::string> consumer_groups() const;
    /// What can be given a dead letter again; lives as long as this object.
    [[nodiscard]] std::span<const operations::RelayOnLoop> relays() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;  // none when it is off
};

}  // namespace florin::app
