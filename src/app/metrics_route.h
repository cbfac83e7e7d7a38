#pragma once

namespace florin::http {
class Router;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

/// Adds GET /metrics: Prometheus text. `metrics` outlives the router.
void add_metrics_route(http::Router& router, const telemetry::Metrics& metrics);

}  // namespace florin::app
