#include "app/serve.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

#include "app/event_groups.h"
#include "app/listen.h"
#include "app/operations_api.h"
#include "app/readiness.h"
#include "app/serving.h"
#include "app/settings.h"
#include "app/version.h"
#include "app/wire_aws.h"
#include "app/wire_gateway.h"
#include "app/wire_kafka.h"
#include "app/wire_leases.h"
#include "app/wire_local_worker.h"
#include "app/wire_payments.h"
#include "app/wire_redis.h"
#include "app/wire_seats.h"
#include "app/wire_store.h"
#include "gateway/retention.h"
#include "platform/broker/dead_letters.h"
#include "platform/broker/pruning.h"
#include "platform/grpc/health.h"
#include "platform/http/server.h"
#include "platform/leases/leases.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/run_on.h"
#include "platform/store/pruning.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/process_metrics.h"
#include "web/api_docs.h"
#include "web/start_page.h"

namespace florin::app {
namespace {

// For one commit, which spares the others the wait for this process's leases; also when everything
// before it has taken all the time there was.
constexpr std::chrono::milliseconds farewell{1'000};

/// One thing that is done in a role: a face for clients, work in the background, or both.
struct Duty {
    Role role;
    /// Before the loops run.
    std::function<void(ServingLoop&)> add_face = {};
    /// Begins the work, on the background loop.
    std::function<void()> start = {};
    /// Ends it in order; what is under way stays in the store. On the background loop.
    std::function<awaitable<void>(std::chrono::milliseconds deadline)> stop = {};
};

/// Everything one process runs. Members are in the order in which they are needed: what is below
/// uses what is above. Every part is there in each role (a face may need what another role works
/// with, such as the relay that takes a dead letter again); its duties are done where the role is.
class Service {
public:
    explicit Service(const Settings& settings);
    /// Serves until a signal; then ends in order.
    void run();

private:
    [[nodiscard]] std::string kafka_trouble() const;
    [[nodiscard]] std::vector<Duty> duties();
    [[nodiscard]] std::vector<store::PruneRule> prune_rules() const;
    awaitable<void> stop_pruning();
    void add_faces(ServingLoop& serving);
    void listen();
    awaitable<void> stop_on_signal();
    awaitable<void> drain();

    const Settings& settings_;
    SystemClock clock_;
    telemetry::Metrics metrics_;
    Readiness readiness_;
    std::unique_ptr<store::Store> store_;
    runtime::Loop operations_{"operations"};  // health and metrics answer while the faces are busy
    runtime::Loop background_{"background"};
    LeaseParts leases_;
    GatewayParts gateway_;
    RedisParts redis_;
    EventGroups groups_;
    PaymentParts payments_;
    SeatParts seats_;
    LocalWorkerParts reservations_;
    AwsParts aws_;
    KafkaParts kafka_;
    std::vector<broker::Consumer*> consumers_;     // of all parts, for dead letters
    std::vector<operations::RelayOnLoop> relays_;  // the same
    store::Pruning pruning_;
    std::vector<Duty> duties_;  // of this process's roles
    http::Router operations_router_;
    std::unique_ptr<http::Server> operations_server_;
    Serving serving_;
    std::thread background_thread_;
};

Service::Service(const Settings& settings)
    : settings_(settings),
      readiness_(settings.roles),
      store_(open_store(settings, metrics_)),
      leases_(background_, *store_, clock_, settings, metrics_),
      gateway_(background_, *store_, leases_.leases(), clock_, settings, metrics_),
      redis_(settings, metrics_),
      groups_(background_, *store_, leases_.leases(), clock_, settings, metrics_),
      payments_(background_, *store_, leases_.leases(), groups_, clock_, settings, metrics_),
      seats_(background_, *store_, clock_, settings, metrics_),
      reservations_(background_, *store_, leases_.leases(), clock_, settings, seats_.services(),
                    metrics_),
      aws_(background_, *store_, leases_.leases(), clock_, settings, metrics_),
      kafka_(background_, *store_, leases_.leases(), clock_, settings, metrics_),
      pruning_(background_, *store_, clock_, prune_rules(), metrics_,
               [this] { return leases_.leases().ours("pruning"); }),
      duties_(duties()),
      serving_(settings, metrics_) {
    for (const auto& relays : {reservations_.relays(), aws_.relays(), kafka_.relays()})
        relays_.insert(relays_.end(), relays.begin(), relays.end());
    for (const auto& consumers : {payments_.consumers(), kafka_.consumers()})
        consumers_.insert(consumers_.end(), consumers.begin(), consumers.end());
    std::erase_if(duties_, [&](const Duty& duty) { return !settings.roles.has(duty.role); });
    telemetry::register_process_metrics(metrics_,
                                        [] { return static_cast<double>(runtime::live_tasks()); });
    readiness_.add("store", [this] {
        const auto state = store_->state();
        return state.healthy ? std::string() : state.fault;
    });
    if ((kafka_.connects() && settings.roles.has(Role::Relay)) ||
        (groups_.over_kafka() && settings.roles.has(Role::Worker)))
        readiness_.add("kafka", [this] { return kafka_trouble(); }, Readiness::Need::Optional);
    if (redis_.wanted() && settings.roles.has(Role::Api))
        readiness_.add("redis", [this] { return redis_.fault(); }, Readiness::Need::Optional);
    add_operations_routes(operations_router_, readiness_, metrics_);
    serving_.add_faces([this](ServingLoop& serving) { add_faces(serving); });
}

std::string Service::kafka_trouble() const {
    auto trouble = kafka_.trouble();
    return trouble.empty() ? groups_.trouble() : trouble;
}

// In the order in which they begin and end.
std::vector<Duty> Service::duties() {
    using Deadline = std::chrono::milliseconds;
    return {
        {.role = Role::Gateway,
         .add_face = [this](ServingLoop& s) { gateway_.add_faces(s.services, s.router); }},
        {.role = Role::Api,
         .add_face =
             [this](ServingLoop& s) { payments_.add_faces(s, redis_, {consumers_, relays_}); }},
        {.role = Role::Gateway,
         .add_face = [this](ServingLoop& s) { seats_.add_grpc_face(s.services); }},
        {.role = Role::Api, .add_face = [this](ServingLoop& s) { seats_.add_http_face(s.router); }},
        {.role = Role::Worker,
         .start = [this] { runtime::spawn(background_, "pruning", pruning_.run()); },
         .stop = [this](Deadline) { return stop_pruning(); }},
        {.role = Role::Worker,
         .start = [this] { seats_.start(); },
         .stop = [this](Deadline) { return seats_.stop(); }},
        {.role = Role::Worker,
         .start = [this] { gateway_.start(); },
         .stop = [this](Deadline deadline) { return gateway_.stop(deadline); }},
        {.role = Role::Worker,
         .start = [this] { payments_.start(); },
         .stop = [this](Deadline deadline) { return payments_.stop(deadline); }},
        {.role = Role::Worker,
         .start = [this] { reservations_.start(); },
         .stop = [this](Deadline deadline) { return reservations_.stop(deadline); }},
        {.role = Role::Relay,
         .start = [this] { aws_.start(); },
         .stop = [this](Deadline deadline) { return aws_.stop(deadline); }},
        {.role = Role::Relay,
         .start = [this] { kafka_.start(); },
         .stop = [this](Deadline deadline) { return kafka_.stop(deadline); }},
    };
}

std::vector<store::PruneRule> Service::prune_rules() const {
    auto rules =
        gateway::prune_rules({settings_.storage.retention, settings_.payments.idempotency_ttl});
    if (const auto keep = settings_.storage.dead_letter_retention; keep.count() > 0) {
        rules.emplace_back([keep](store::Transaction& tx, Instant now, int limit) {
            return broker::dead_letters::prune(tx, now - keep, limit);
        });
    }
    for (auto& rule : payments_.prune_rules()) rules.push_back(std::move(rule));
    for (auto& rule : groups_.prune_rules()) rules.push_back(std::move(rule));
    for (auto& rule : seats_.prune_rules()) rules.push_back(std::move(rule));
    for (auto& rule : reservations_.prune_rules()) rules.push_back(std::move(rule));
    if (settings_.storage.retention.count() > 0) {
        auto groups = payments_.consumer_groups();
        for (auto& group : reservations_.consumer_groups()) groups.push_back(std::move(group));
        for (auto& group : aws_.consumer_groups()) groups.push_back(std::move(group));
        for (auto& group : kafka_.consumer_groups()) groups.push_back(std::move(group));
        rules.emplace_back([keep = settings_.storage.retention, groups = std::move(groups)](
                               store::Transaction& tx, Instant now, int limit) {
            return broker::prune_consumed(tx, now - keep, limit, groups);
        });
    }
    return rules;
}

awaitable<void> Service::stop_pruning() {
    pruning_.stop();
    co_return;
}

void Service::add_faces(ServingLoop& serving) {
    for (const auto& duty : duties_) {
        if (duty.add_face) duty.add_face(serving);
    }
    const auto& server = settings_.server;
    const std::uint16_t grpc_port = settings_.roles.serve_grpc() ? server.grpc_port : 0;
    web::add_start_page(serving.router, {.grpc = grpc_port, .health = server.health_port});
    web::add_docs_routes(serving.router);
    grpc::add_health(serving.services, [this] { return readiness_.ready(); });
    grpc::add_reflection(serving.services);
}

void Service::listen() {
    const auto ports = serving_.listen();
    http::ServerOptions operations{.name = "operations",
                                   .address = settings_.server.bind_address,
                                   .port = settings_.server.health_port,
                                   .share_port = false,
                                   .limits = {},
                                   .tls = nullptr};
    operations_server_ =
        std::make_unique<http::Server>(operations_, operations_router_, operations, metrics_);
    const auto health_port = app::listen(*operations_server_, "HEALTH_PORT");
    telemetry::info("Florin is ready", {{"version", version()},
                                        {"role", settings_.roles.text()},
                                        {"grpc_port", ports.grpc},  // 0: this role has none
                                        {"http_port", ports.http},
                                        {"health_port", health_port},
                                        {"environment", name_of(settings_.environment)},
                                        {"data", store_place(settings_)}});
}

void Service::run() {
    runtime::run_until_done(operations_, payments_.open());
    listen();
    leases_.start();
    for (const auto& duty : duties_) {
        if (duty.start) duty.start();
    }
    background_thread_ = std::thread([this] { background_.run(); });
    serving_.start();
    runtime::spawn(operations_, "signals", stop_on_signal());
    operations_.run();  // until `stop_on_signal` ends it
    serving_.stop();
    background_.stop();
    background_thread_.join();
    // Commands still under way end here, while the loops and parts they answer to exist.
    store_.reset();
}

awaitable<void> Service::stop_on_signal() {
    boost::asio::signal_set signals(operations_.context(), SIGINT, SIGTERM);
    const int signal = co_await signals.async_wait(boost::asio::use_awaitable);
    telemetry::info("Stopping: finishing what is under way",
                    {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    readiness_.start_draining();
    co_await drain();
    telemetry::info("Stopped; what is pending continues at the next start");
    operations_.stop();
}

// Faces first, then the work under way. Timers and what is still to be delivered are in the store.
awaitable<void> Service::drain() {
    const auto until = std::chrono::steady_clock::now() + settings_.server.shutdown_timeout;
    const auto left = [until] {
        const auto rest = until - std::chrono::steady_clock::now();
        return std::max(std::chrono::milliseconds(0),
                        std::chrono::duration_cast<std::chrono::milliseconds>(rest));
    };
    co_await serving_.drain(left());
    for (const auto& duty : duties_) {
        if (duty.stop) co_await runtime::run_on(background_, duty.stop(left()));
    }
    co_await runtime::run_on(background_, leases_.stop(std::max(left(), farewell)));
}

}  // namespace

int run_serve(const Settings& settings) {
    const telemetry::LogSession log({.format = settings.log_format,
                                     .level = settings.log_level,
                                     .colour = ::isatty(STDOUT_FILENO) == 1});
    // Both become errors of the call that met them: a closed peer, and a file at its size limit.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    try {
        Service service(settings);
        service.run();
        return 0;
    } catch (const std::exception& fault) {
        telemetry::error("Florin cannot start", {{"reason", fault.what()}});
        std::fprintf(stderr,
                     "florin: cannot start: %s\nRun `florin doctor` to see what is wrong.\n",
                     fault.what());
        return 1;
    }
}

}  // namespace florin::app
