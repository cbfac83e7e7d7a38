#include "app/wire_payments.h"

#include <deque>
#include <vector>

#include "app/event_groups.h"
#include "app/grpc_address.h"
#include "app/serving.h"
#include "app/settings.h"
#include "app/wire_merchants.h"
#include "app/wire_redis.h"
#include "app/wire_settlement.h"
#include "operations/dead_letter_api.h"
#include "payments/circuit_api.h"
#include "payments/gateways.h"
#include "payments/http_api.h"
#include "payments/key_sealing.h"
#include "payments/payment_service.h"
#include "payments/recovery.h"
#include "payments/rule_gateway.h"
#include "payments/simulator_gateway.h"
#include "payments/unique_keys.h"
#include "platform/broker/consumer_options.h"
#include "platform/http/admin_access.h"
#include "platform/limits/memory_rate_limiter.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "settlement/daily_sales.h"

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

payments::RecoveryOptions recovery_options(const Settings& settings) {
    const auto& m = settings.merchants;
    payments::RecoveryOptions options;
    options.attempts_max = static_cast<int>(m.recovery_attempts_max);
    options.backoff = {m.recovery_backoff_base, m.recovery_backoff_max};
    // A claim outlasts the slowest recovery: a look, a call, and some time for the store.
    options.lease = 4 * m.gateway_timeout + Milliseconds(10'000);
    options.fee_basis_points = m.fee_basis_points;
    return options;
}

std::unique_ptr<payments::SimulatorGateway> simulator(runtime::Loop& loop,
                                                      const Settings::Merchants& settings) {
    payments::SimulatorGatewayOptions options;
    options.address = grpc_address_of(settings.simulator_url, settings.simulator_ca_file);
    options.deadline = settings.gateway_timeout;
    return std::make_unique<payments::SimulatorGateway>(loop, std::move(options));
}

}  // namespace

struct PaymentParts::Parts {
    Parts(runtime::Loop& loop, store::Store& opened, leases::Leases& leases, EventGroups& groups,
          const Clock& time, const Settings& settings, telemetry::Metrics& measured)
        : background(loop),
          store(opened),
          clock(time),
          metrics(measured),
          services(service_settings(settings)),
          http_api(http_settings(settings)),
          admin{settings.server.admin_token, settings.environment == Environment::Production},
          limiter(clock),
          merchants(store, clock, settings, metrics),
          gateways(monotonic, breaker_options(settings)),
          settlement(background, store, leases, clock, settings, metrics),
          keys(make_keys()),
          recovery(background, store, clock, ids(), gateways, recovery_options(settings), changed(),
                   metrics),
          recovery_redrive(clock),
          daily_sales(
              settlement::BusinessCalendar(settings.settlement.utc_offset, settings.settlement.at)),
          daily_sales_group(groups.make(daily_sales, {})),
          events_are_kept(!groups.over_kafka()),
          consumers{&recovery_redrive, &daily_sales} {
        add_gateways(settings.merchants);
        payments::measure_circuits(metrics, gateways);
    }

    [[nodiscard]] UuidGenerator ids() const { return {clock, seed_from_system()}; }
    /// There are new events.
    [[nodiscard]] std::function<void()> changed() {
        return [this] { daily_sales_group->wake(); };
    }
    // A database that several processes share finds the keys of all of them; one process by itself
    // does it for less.
    std::unique_ptr<payments::UsedKeys> make_keys() {
        if (store.shared()) return std::make_unique<payments::UniqueKeys>();
        auto index = std::make_unique<payments::KeyIndex>();
        sealing = std::make_unique<payments::KeySealing>(background, store, clock, *index, metrics);
        return index;
    }
    // The first one serves the merchants that have none of their own.
    void add_gateways(const Settings::Merchants& settings) {
        auto rules = std::make_unique<payments::RuleGateway>(settings.gateway_timeout,
                                                             settings.gateway_timeout / 2);
        if (settings.simulator_url.empty()) {
            gateways.add(std::move(rules));
            return;
        }
        auto simulated = simulator(background, settings);
        const bool simulator_first = settings.gateway == simulated->name();
        if (simulator_first) gateways.add(std::move(simulated));
        gateways.add(std::move(rules));
        if (!simulator_first) gateways.add(std::move(simulated));
        for (const auto& [merchant, gateway] : settings.gateways)
            gateways.assign(merchant, gateway);
    }

    runtime::Loop& background;
    store::Store& store;
    const Clock& clock;
    telemetry::Metrics& metrics;
    const payments::ServiceSettings services;
    const payments::HttpApiSettings http_api;
    const http::AdminAccess admin;
    limits::MemoryRateLimiter limiter;
    MerchantParts merchants;
    std::deque<payments::HttpApiSettings> http_apis;  // one a serving loop: it has its own keys
    MonotonicClock monotonic;
    payments::Gateways gateways;
    SettlementParts settlement;
    store::Buckets buckets{store};
    std::unique_ptr<payments::KeySealing> sealing;  // of the keys of one process
    std::unique_ptr<payments::UsedKeys> keys;
    payments::Recovery recovery;
    payments::RecoveryRedrive recovery_redrive;
    settlement::DailySalesConsumer daily_sales;
    std::unique_ptr<EventGroup> daily_sales_group;
    const bool events_are_kept;                // in the own log, for the group
    std::vector<broker::Consumer*> consumers;  // who can be given a dead letter again
    std::deque<payments::AnswerCache> caches;  // one a serving loop, with Redis
    std::vector<std::unique_ptr<payments::PaymentService>> faces;  // one a serving loop
};

PaymentParts::PaymentParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                           EventGroups& groups, const Clock& clock, const Settings& settings,
                           telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background, store, leases, groups, clock, settings, metrics)) {
}

PaymentParts::~PaymentParts() = default;

void PaymentParts::add_faces(ServingLoop& serving, RedisParts& redis,
                             operations::Redrivers redrivers) {
    auto& parts = *parts_;
    auto& router = serving.router;
    limits::RateLimiter* limiter = &parts.limiter;
    parts.faces.push_back(std::make_unique<payments::PaymentService>(
        parts.store, parts.clock, parts.ids(), parts.gateways, parts.buckets, *parts.keys,
        parts.services, parts.changed(), parts.metrics));
    if (redis.wanted()) {
        const auto shared = redis.on(serving.loop);
        limiter = &shared.limiter;
        parts.faces.back()->answer_from(parts.caches.emplace_back(
            shared.cache, parts.clock, parts.services.answers_kept, parts.metrics));
    }
    auto& http_api = parts.http_apis.emplace_back(parts.http_api);
    http_api.authorization = parts.merchants.add_face(router);
    payments::add_payment_routes(router, *parts.faces.back(), *limiter, http_api, parts.metrics);
    payments::add_circuit_routes(router, parts.gateways);
    parts.settlement.add_face(router, http_api.authorization);
    operations::add_dead_letter_routes(router, parts.store, parts.clock, redrivers, parts.admin,
                                       parts.changed());
}

std::span<broker::Consumer* const> PaymentParts::consumers() const {
    return parts_->consumers;
}

awaitable<void> PaymentParts::open() {
    co_await parts_->store.read([parts = parts_.get()](store::Snapshot& snapshot) {
        parts->keys->open(snapshot);
        for (auto& cache : parts->caches) cache.open(snapshot);
        return true;
    });
}

std::vector<store::PruneRule> PaymentParts::prune_rules() const {
    const Milliseconds kept = parts_->services.answers_kept;
    if (kept <= Milliseconds(0)) return {};
    return {[kept](store::Transaction& tx, Instant now, int limit) {
        return payments::prune_answers(tx, now - kept, limit);
    }};
}

std::vector<std::string> PaymentParts::consumer_groups() const {
    if (!parts_->events_are_kept) return {};
    return {std::string(parts_->daily_sales.group())};
}

void PaymentParts::start() {
    runtime::spawn(parts_->background, "recovery", parts_->recovery.run());
    if (parts_->sealing) runtime::spawn(parts_->background, "key sealing", parts_->sealing->run());
    parts_->settlement.start();
    parts_->daily_sales_group->start();
}

awaitable<void> PaymentParts::stop(std::chrono::milliseconds deadline) {
    parts_->settlement.stop();
    if (parts_->sealing) parts_->sealing->stop();
    co_await parts_->daily_sales_group->stop(deadline);
    co_await parts_->recovery.stop(deadline);
}

}  // namespace florin::app
