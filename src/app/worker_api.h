#pragma once

#include <functional>

namespace florin::http {
class Router;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

/// Adds the worker's face (port 8040): /health (the process runs), /ready (it reads its queue),
/// /metrics. Their texts are a contract with probes. `ready` is asked on the router's loop, and
/// like `metrics` outlives it.
void add_worker_routes(http::Router& router, std::function<bool()> ready,
                       const telemetry::Metrics& metrics);

}  // namespace florin::app
