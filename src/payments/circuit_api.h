#pragma once

namespace florin::http {
class Router;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::payments {

class Gateways;

/// Adds GET /circuit-breaker/status (every breaker by its gateway's name) and
/// /circuit-breaker/{name}, at these paths and under /api. The arguments outlive the router.
void add_circuit_routes(http::Router& router, const Gateways& gateways);

/// florin_circuit_state{gateway}: 0 closed, 1 half open, 2 open. `gateways` outlives the metrics'
/// readers.
void measure_circuits(telemetry::Metrics& metrics, const Gateways& gateways);

}  // namespace florin::payments
