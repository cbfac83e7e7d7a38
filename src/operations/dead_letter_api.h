#pragma once

#include <functional>
#include <span>

#include "platform/broker/consumer.h"

namespace florin {
class Clock;
}
namespace florin::http {
struct AdminAccess;
class Router;
}  // namespace florin::http
namespace florin::store {
class Store;
}

namespace florin::operations {

/// Adds the admin routes over the dead letters of consumers (/api/dead-letters/…) to one loop's
/// router. `consumers` are those of this process, by which letters can be driven again; `changed`
/// is called, on the router's loop, when that has been done. All arguments, and what the span
/// shows, outlive the router. api/openapi.yaml describes the routes.
void add_dead_letter_routes(http::Router& router, store::Store& store, const Clock& clock,
                            std::span<broker::Consumer* const> consumers,
                            const http::AdminAccess& access, std::function<void()> changed);

}  // namespace florin::operations
