#pragma once

#include <memory>

#include "payments/http_api.h"
#include "platform/http/admin_access.h"

namespace florin::http {
class Router;
}
namespace florin::runtime {
class Loop;
}
namespace florin::store {
class Store;
}

namespace florin::settlement {

class DailyRun;

struct HttpApiSettings {
    // Whose statements a request may read; null: anybody's.
    std::shared_ptr<payments::Authorization> authorization;
    http::AdminAccess admin;  // who may read everybody's and have days settled
};

/// Adds /api/settlements/… and /api/daily-sales to one loop's router. `run` lives on the loop
/// `of_run`. The arguments outlive the router. api/openapi.yaml describes the routes.
void add_settlement_routes(http::Router& router, store::Store& store, runtime::Loop& of_run,
                           DailyRun& run, const HttpApiSettings& settings);

}  // namespace florin::settlement
