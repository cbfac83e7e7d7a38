#include "app/worker_api.h"

#include "platform/http/server.h"
#include "platform/telemetry/metrics.h"

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

awaitable<http::Response> scrape(const telemetry::Metrics& metrics) {
    co_return http::Response{.status = 200,
                             .content_type = "text/plain; version=0.0.4; charset=utf-8",
                             .body = metrics.scrape(),
                             .headers = {}};
}

}  // namespace

void add_worker_routes(http::Router& router, std::function<bool()> ready,
                       const telemetry::Metrics& metrics) {
    router.add("GET", "/health", health);
    router.add("GET", "/ready",
               [ready = std::move(ready)](const http::Request&) { return readiness(ready()); });
    router.add("GET", "/metrics", [&metrics](const http::Request&) { return scrape(metrics); });
}

}  // namespace florin::app
