#include "app/wire_gateway.h"

#include <vector>

#include "app/settings.h"
#include "gateway/grpc_api.h"
#include "gateway/http_api.h"
#include "gateway/payment_service.h"
#include "gateway/settlement.h"
#include "gateway/webhooks/dispatcher.h"
#include "gateway/webhooks/sender.h"
#include "platform/http/admin_access.h"
#include "platform/http/client.h"
#include "platform/leases/leases.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

gateway::ServiceSettings service_settings(const Settings& settings) {
    const auto& payments = settings.payments;
    return {{payments.default_delay, payments.delay_scenario, payments.intent_ttl},
            payments.default_scenario,
            payments.idempotency_ttl};
}

gateway::DispatcherOptions dispatcher_options(const Settings& settings) {
    const auto& webhooks = settings.webhooks;
    gateway::DispatcherOptions options;
    options.per_origin_max = webhooks.concurrency_per_host;
    options.retry.attempts_max = static_cast<int>(webhooks.attempts_max);
    options.retry.backoff_base = webhooks.backoff_base;
    options.retry.backoff_max = webhooks.backoff_max;
    options.jitter_seed = seed_from_system();
    return options;
}

http::ClientOptions client_options(const Settings& settings) {
    http::ClientOptions options;
    options.egress = {!settings.webhooks.allow_private, settings.webhooks.allowed_hosts};
    options.connections_per_origin_max = settings.webhooks.concurrency_per_host;
    options.idle_per_origin_max = settings.webhooks.concurrency_per_host;
    options.ca_file = settings.webhooks.ca_file;
    return options;
}

}  // namespace

struct GatewayParts::Parts {
    Parts(runtime::Loop& loop, store::Store& opened, leases::Leases& leases, const Clock& time,
          const Settings& settings, telemetry::Metrics& measured)
        : background(loop),
          store(opened),
          clock(time),
          metrics(measured),
          services(service_settings(settings)),
          grpc_api{settings.server.public_url, settings.webhooks.secret},
          admin{settings.server.admin_token, settings.environment == Environment::Production},
          dice(settings.payments.random_seed.value_or(seed_from_system()),
               settings.payments.random_approve_rate),
          client(loop, client_options(settings)),
          sender(client, clock, settings.webhooks.secret, settings.webhooks.timeout),
          dispatcher(loop, store, sender, leases, clock, dispatcher_options(settings), metrics),
          settlement(loop, store, clock, UuidGenerator(clock, seed_from_system()), offer(),
                     metrics) {}

    gateway::SettlementClock::OfferDeliveries offer() {
        return [this](std::vector<gateway::WebhookDelivery> deliveries) {
            dispatcher.offer(std::move(deliveries));
        };
    }

    runtime::Loop& background;
    store::Store& store;
    const Clock& clock;
    telemetry::Metrics& metrics;
    const gateway::ServiceSettings services;
    const gateway::GrpcApiSettings grpc_api;
    const http::AdminAccess admin;
    gateway::ScenarioDice dice;
    store::Buckets buckets{store};
    http::Client client;
    gateway::HttpWebhookSender sender;
    gateway::Dispatcher dispatcher;
    gateway::SettlementClock settlement;
    std::vector<std::unique_ptr<gateway::PaymentService>> faces;  // one a serving loop
};

GatewayParts::GatewayParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                           const Clock& clock, const Settings& settings,
                           telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background, store, leases, clock, settings, metrics)) {}

GatewayParts::~GatewayParts() = default;

void GatewayParts::add_faces(grpc::Services& services, http::Router& router) {
    parts_->faces.push_back(std::make_unique<gateway::PaymentService>(
        parts_->store, parts_->clock, UuidGenerator(parts_->clock, seed_from_system()),
        parts_->dice, parts_->buckets, parts_->services,
        [parts = parts_.get()](Instant due) { parts->settlement.expect(due); }, parts_->offer(),
        parts_->metrics));
    gateway::add_payment_service(services, *parts_->faces.back(), parts_->grpc_api);
    gateway::add_gateway_routes(router, parts_->store, parts_->clock, parts_->dispatcher,
                                parts_->admin);
}

void GatewayParts::start() {
    runtime::spawn(parts_->background, "settlement", parts_->settlement.run());
    runtime::spawn(parts_->background, "webhooks", parts_->dispatcher.run());
}

awaitable<void> GatewayParts::stop(std::chrono::milliseconds deadline) {
    parts_->settlement.stop();
    co_await parts_->dispatcher.stop(deadline);
}

}  // namespace florin::app
