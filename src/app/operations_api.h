#pragma once

namespace florin::http {
class Router;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

class Readiness;

/// Adds the operations face (port 8031): /health (the process runs), /ready (it should get
/// traffic), /metrics (Prometheus text). The arguments outlive the router.
void add_operations_routes(http::Router& router, const Readiness& readiness,
                           const telemetry::Metrics& metrics);

}  // namespace florin::app
