#pragma once

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

namespace florin::gateway {

class Dispatcher;

/// Adds the admin routes (/api/gateway/…) and the public payment page (/pay/{id}) to one loop's
/// router. The arguments outlive the router. api/openapi.yaml describes the routes.
void add_gateway_routes(http::Router& router, store::Store& store, const Clock& clock,
                        Dispatcher& dispatcher, const http::AdminAccess& access);

}  // namespace florin::gateway
