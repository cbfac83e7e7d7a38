#include "app/operations_api.h"

#include "app/metrics_route.h"
#include "app/readiness.h"
#include "platform/http/server.h"

namespace florin::app {
namespace {

// The text is a contract with probes that compare it byte by byte.
constexpr const char* healthy = R"({"status":"healthy","service":"payment-sim-api"})";

awaitable<http::Response> health(http::Request /*request*/) {
    co_return http::json(200, healthy);
}

awaitable<http::Response> not_found(http::Request /*request*/) {
    co_return http::Response{.status = 404,
                             .content_type = "text/plain; charset=utf-8",
                             .body = "404 page not found\n",
                             .headers = {}};
}

awaitable<http::Response> ready(const Readiness& readiness) {
    co_return http::json(readiness.ready() ? 200 : 503, readiness.json());
}

}  // namespace

void add_operations_routes(http::Router& router, const Readiness& readiness,
                           const telemetry::Metrics& metrics) {
    for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
        router.add(method, "/health", health);
    }
    router.add("GET", "/ready", [&readiness](const http::Request&) { return ready(readiness); });
    add_metrics_route(router, metrics);
    router.set_fallback(not_found);
}

}  // namespace florin::app
