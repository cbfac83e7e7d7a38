#pragma once

#include <chrono>
#include <memory>

#include "platform/runtime/awaitable.h"

namespace florin {
class Clock;
}
namespace florin::grpc {
class Services;
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

struct Settings;

/// The gateway simulator, wired: its background work on one loop, its faces on every serving loop.
class GatewayParts {
public:
    /// The arguments outlive the parts.
    GatewayParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                 const Clock& clock, const Settings& settings, telemetry::Metrics& metrics);
    ~GatewayParts();

    /// Adds the faces to one serving loop's tables. Before the loops run.
    void add_faces(grpc::Services& services, http::Router& router);
    /// Spawns settlement and webhook delivery on the background loop.
    void start();
    /// Ends them in order; what is pending stays in the store. On the background loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
