#pragma once

#include <string>

namespace florin {
class Clock;
}
namespace florin::http {
class Router;
}
namespace florin::store {
class Store;
}

namespace florin::gateway {

class Dispatcher;

struct HttpApiSettings {
    std::string admin_token;            // what `Authorization: Bearer` must carry; empty: open
    bool admin_token_required = false;  // without a token the admin routes refuse everything
};

/// Adds the admin routes (/api/gateway/…) and the public payment page (/pay/{id}) to one loop's
/// router. The arguments outlive the router. api/openapi.yaml describes the routes.
void add_gateway_routes(http::Router& router, store::Store& store, const Clock& clock,
                        Dispatcher& dispatcher, const HttpApiSettings& settings);

}  // namespace florin::gateway
