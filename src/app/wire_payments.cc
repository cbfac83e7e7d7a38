#include "app/wire_payments.h"

#include <vector>

#include "app/settings.h"
#include "payments/circuit_api.h"
#include "payments/gateways.h"
#include "payments/http_api.h"
#include "payments/payment_service.h"
#include "payments/rule_gateway.h"
#include "platform/limits/memory_rate_limiter.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

payments::ServiceSettings service_settings(const Settings& settings) {
    const auto& merchants = settings.merchants;
    return {.answers_kept = merchants.answers_kept,
            .twin_patience = merchants.twin_patience,
            .worker_looks_after = merchants.recovery_after,
            .fee_basis_points = merchants.fee_basis_points};
}

payments::HttpApiSettings http_settings(const Settings& settings) {
    const auto& m = settings.merchants;
    return {.limits = {{m.authorize_capacity, m.authorize_window},
                       {m.capture_capacity, m.capture_window},
                       {m.refund_capacity, m.refund_window}},
            .authorization = {}};
}

limits::CircuitBreakerOptions breaker_options(const Settings& settings) {
    const auto& breaker = settings.circuit_breaker;
    limits::CircuitBreakerOptions options;
    options.calls_min = static_cast<int>(breaker.calls_min);
    options.failure_percent = breaker.failure_percent;
    options.slow_percent = breaker.slow_percent;
    options.slow_call = breaker.slow_call;
    options.open_wait = breaker.open_wait;
    options.half_open_calls = static_cast<int>(breaker.half_open_calls);
    return options;
}

}  // namespace

struct PaymentParts::Parts {
    Parts(runtime::Loop& loop, store::Store& opened, const Clock& time, const Settings& settings,
          telemetry::Metrics& measured)
        : background(loop),
          store(opened),
          clock(time),
          metrics(measured),
          services(service_settings(settings)),
          http_api(http_settings(settings)),
          limiter(clock),
          gateways(clock, breaker_options(settings)) {
        gateways.add(std::make_unique<payments::RuleGateway>(
            settings.merchants.gateway_timeout, settings.merchants.gateway_timeout / 2));
        payments::measure_circuits(metrics, gateways);
    }

    runtime::Loop& background;
    store::Store& store;
    const Clock& clock;
    telemetry::Metrics& metrics;
    const payments::ServiceSettings services;
    const payments::HttpApiSettings http_api;
    limits::MemoryRateLimiter limiter;
    payments::Gateways gateways;
    store::Buckets buckets;
    std::vector<std::unique_ptr<payments::PaymentService>> faces;  // one a serving loop
};

PaymentParts::PaymentParts(runtime::Loop& background, store::Store& store, const Clock& clock,
                           const Settings& settings, telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background, store, clock, settings, metrics)) {}

PaymentParts::~PaymentParts() = default;

void PaymentParts::add_faces(http::Router& router) {
    auto& parts = *parts_;
    parts.faces.push_back(std::make_unique<payments::PaymentService>(
        parts.store, parts.clock, UuidGenerator(parts.clock, seed_from_system()), parts.gateways,
        parts.buckets, parts.services, [] {}, parts.metrics));
    payments::add_payment_routes(router, *parts.faces.back(), parts.limiter, parts.http_api,
                                 parts.metrics);
    payments::add_circuit_routes(router, parts.gateways);
}

void PaymentParts::start() {}

awaitable<void> PaymentParts::stop(std::chrono::milliseconds /*deadline*/) {
    co_return;
}

}  // namespace florin::app
