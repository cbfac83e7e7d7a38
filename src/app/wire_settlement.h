#pragma once

#include <memory>

#include "payments/http_api.h"

namespace florin::leases {
class Leases;
}
namespace florin::runtime {
class Loop;
}
namespace florin::store {
class Store;
}

namespace florin::app {

struct Settings;

/// The settlement of merchants, wired: the daily run on one loop, a face on every serving loop.
class SettlementParts {
public:
    /// The arguments outlive the parts.
    SettlementParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                    const Clock& clock, const Settings& settings, telemetry::Metrics& metrics);
    ~SettlementParts();

    /// Adds the routes to one serving loop's table, guarded as its payments are. Before the loops
    /// run.
    void add_face(http::Router& router, std::shared_ptr<payments::Authorization> authorization);
    /// Spawns the daily run, if it is enabled.
    void start();
    /// Thread-safe.
    void stop();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
