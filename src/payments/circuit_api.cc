#include "payments/circuit_api.h"

#include <fmt/format.h>

#include "payments/gateways.h"
#include "platform/base/json_text.h"
#include "platform/http/message.h"
#include "platform/http/server.h"
#include "platform/telemetry/metrics.h"

namespace florin::payments {
namespace {

using http::Request;
using http::Response;

/// Below the least number of calls there is no rate, which the API shows as -1.
std::string percent(double value) {
    return fmt::format("{:.2f}%", value);
}

std::string circuit_json(const limits::CircuitState& state) {
    return fmt::format(
        R"({{"state":"{}","numberOfSuccessfulCalls":{},"numberOfFailedCalls":{},)"
        R"("numberOfSlowCalls":{},"numberOfSlowSuccessfulCalls":{},"numberOfSlowFailedCalls":{},)"
        R"("numberOfBufferedCalls":{},"numberOfNotPermittedCalls":{},"failureRate":"{}",)"
        R"("slowCallRate":"{}"}})",
        limits::name_of(state.kind), state.successful, state.failed,
        state.slow_successful + state.slow_failed, state.slow_successful, state.slow_failed,
        state.successful + state.failed, state.not_permitted, percent(state.failure_percent),
        percent(state.slow_percent));
}

awaitable<Response> show_all(const Gateways& gateways) {
    std::string body = "{";
    for (const auto& gateway : gateways.all()) {
        if (body.size() > 1) body += ',';
        append_json_string(body, gateway->name());
        body += ':';
        body += circuit_json(gateway->circuit());
    }
    co_return http::json(200, body + "}");
}

awaitable<Response> show_one(const Gateways& gateways, Request request) {
    const std::string_view name = request.path_value("name");
    for (const auto& gateway : gateways.all()) {
        if (gateway->name() == name) co_return http::json(200, circuit_json(gateway->circuit()));
    }
    co_return http::problem(404, "no_such_circuit",
                            "no gateway here is called '" + std::string(name.substr(0, 64)) +
                                "'; GET /circuit-breaker/status lists them",
                            request.trace_id);
}

}  // namespace

void add_circuit_routes(http::Router& router, const Gateways& gateways) {
    for (const std::string prefix : {"", "/api"}) {
        router.add("GET", prefix + "/circuit-breaker/status",
                   [&gateways](const Request&) { return show_all(gateways); });
        router.add("GET", prefix + "/circuit-breaker/{name}",
                   [&gateways](Request request) { return show_one(gateways, std::move(request)); });
    }
}

void measure_circuits(telemetry::Metrics& metrics, const Gateways& gateways) {
    for (const auto& gateway : gateways.all()) {
        metrics.gauge_from(
            "florin_circuit_state",
            "State of each gateway's circuit breaker: 0 closed, 1 half open, 2 open.",
            {{"gateway", std::string(gateway->name())}}, [&breaker = *gateway] {
                switch (breaker.circuit().kind) {
                    case limits::CircuitState::Kind::Closed:
                        return 0.0;
                    case limits::CircuitState::Kind::HalfOpen:
                        return 1.0;
                    case limits::CircuitState::Kind::Open:
                        return 2.0;
                }
                return -1.0;
            });
    }
}

}  // namespace florin::payments
