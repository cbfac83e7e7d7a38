#pragma once

#include <functional>
#include <span>

#include "platform/broker/consumer.h"
#include "platform/broker/relay.h"

namespace florin {
class Clock;
}
namespace florin::http {
struct AdminAccess;
class Router;
}  // namespace florin::http
namespace florin::runtime {
class Loop;
}
namespace florin::store {
class Store;
}

namespace florin::operations {

/// A relay and the loop it lives on.
struct RelayOnLoop {
    broker::Relay* relay;
    runtime::Loop* loop;
};

/// Who in this process can be given a dead letter again. What the spans show outlives the router.
struct Redrivers {
    std::span<broker::Consumer* const> consumers;
    std::span<const RelayOnLoop> relays = {};
};

/// Adds the admin routes over the dead letters of consumers and relays (/api/dead-letters/…) to one
/// loop's router. `changed` is called, on the router's loop, when a consumer has handled one again.
/// All arguments outlive the router. api/openapi.yaml describes the routes.
void add_dead_letter_routes(http::Router& router, store::Store& store, const Clock& clock,
                            Redrivers redrivers, const http::AdminAccess& access,
                            std::function<void()> changed);

}  // namespace florin::operations
