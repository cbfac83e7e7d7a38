#include "app/worker_api.h"

#include "app/metrics_route.h"
#include "platform/http/server.h"

namespace florin::app {
namespace {

http::Response text(unsigned status, std::string body) {
    return {.status = status,
            .content_type = "text/plain; charset=utf-8",
            .body = std::move(body),
            .headers = {}};
}

awaitable<http::Response> health(http::Request /*request*/) {
    co_return text(200, "OK");
}

awaitable<http::Response> readiness(bool ready) {
    co_return ready ? text(200, "READY") : text(503, "NOT READY");
}

}  // namespace

void add_worker_routes(http::Router& router, std::function<bool()> ready,
                       const telemetry::Metrics& metrics) {
    router.add("GET", "/health", health);
    router.add("GET", "/ready",
               [ready = std::move(ready)](const http::Request&) { return readiness(ready()); });
    add_metrics_route(router, metrics);
}

}  // namespace florin::app
