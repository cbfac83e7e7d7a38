#pragma once

#include <memory>
#include <vector>

#include "platform/runtime/awaitable.h"
#include "platform/store/pruning.h"

namespace florin {
class Clock;
}
namespace florin::grpc {
class Services;
}
namespace florin::http {
class Router;
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

/// Reservations of seats, wired: the expiry clock on one loop, faces on every serving loop.
class SeatParts {
public:
    /// The arguments outlive the parts.
    SeatParts(runtime::Loop& background, store::Store& store, const Clock& clock,
              const Settings& settings, telemetry::Metrics& metrics);
    ~SeatParts();

    /// What they delete.
    [[nodiscard]] std::vector<store::PruneRule> prune_rules() const;
    /// Adds the reservation API, or the inventory, to one serving loop's tables. Before the loops
    /// run.
    void add_http_face(http::Router& router);
    void add_grpc_face(grpc::Services& services);
    /// What the reservation worker of this process calls. On the background loop.
    [[nodiscard]] seats::LocalServices& services();

    /// Spawns the expiry clock on the background loop.
    void start();
    /// Ends it. On the background loop.
    awaitable<void> stop();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
