#include "app/metrics_route.h"

#include "platform/http/server.h"
#include "platform/telemetry/metrics.h"

namespace florin::app {
namespace {

awaitable<http::Response> scrape(const telemetry::Metrics& metrics) {
    co_return http::Response{.status = 200,
                             .content_type = "text/plain; version=0.0.4; charset=utf-8",
                             .body = metrics.scrape(),
                             .headers = {}};
}

}  // namespace

void add_metrics_route(http::Router& router, const telemetry::Metrics& metrics) {
    router.add("GET", "/metrics", [&metrics](const http::Request&) { return scrape(metrics); });
}

}  // namespace florin::app
