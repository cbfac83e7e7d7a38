#include "app/serve.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

#include "app/operations_api.h"
#include "app/readiness.h"
#include "app/settings.h"
#include "app/version.h"
#include "app/wire_aws.h"
#include "app/wire_gateway.h"
#include "app/wire_payments.h"
#include "gateway/retention.h"
#include "platform/broker/pruning.h"
#include "platform/grpc/health.h"
#include "platform/grpc/server.h"
#include "platform/http/server.h"
#include "platform/http/tls.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/run_on.h"
#include "platform/store/pruning.h"
#include "platform/store/sqlite_store.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/process_metrics.h"
#include "web/api_docs.h"

namespace florin::app {
namespace {

store::SqliteOptions store_options(const Settings& settings) {
    store::SqliteOptions options;
    if (!settings.storage.ephemeral) options.file = settings.storage.data_dir / "florin.db";
    options.migrations = store::sqlite_migrations();
    return options;
}

/// One event loop with its share of the faces, on a thread of its own.
struct ServingLoop {
    explicit ServingLoop(std::string name) : loop(std::move(name)) {}

    runtime::Loop loop;
    grpc::Services services;
    http::Router router;
    std::unique_ptr<grpc::Server> grpc_server;
    std::unique_ptr<http::Server> http_server;
    std::thread thread;
};

/// Everything one process runs. Members are in the order in which they are needed: what is below
/// uses what is above.
class Service {
public:
    explicit Service(const Settings& settings);
    /// Serves until a signal; then ends in order.
    void run();

private:
    [[nodiscard]] std::vector<store::PruneRule> prune_rules() const;
    void listen();
    void add_faces(ServingLoop& serving);
    awaitable<void> stop_on_signal();
    awaitable<void> drain();

    const Settings& settings_;
    SystemClock clock_;
    telemetry::Metrics metrics_;
    Readiness readiness_;
    std::unique_ptr<store::Store> store_;
    http::TlsContext grpc_tls_;
    http::TlsContext http_tls_;
    runtime::Loop operations_{"operations"};  // health and metrics answer while the faces are busy
    runtime::Loop background_{"background"};
    GatewayParts gateway_;
    PaymentParts payments_;
    AwsParts aws_;
    store::Pruning pruning_;
    http::Router operations_router_;
    std::unique_ptr<http::Server> operations_server_;
    std::vector<std::unique_ptr<ServingLoop>> serving_;
    std::thread background_thread_;
};

Service::Service(const Settings& settings)
    : settings_(settings),
      store_(store::open_sqlite(store_options(settings), metrics_)),
      gateway_(background_, *store_, clock_, settings, metrics_),
      payments_(background_, *store_, clock_, settings, metrics_),
      aws_(background_, *store_, clock_, settings, metrics_),
      pruning_(background_, *store_, clock_, prune_rules(), metrics_) {
    telemetry::register_process_metrics(metrics_,
                                        [] { return static_cast<double>(runtime::live_tasks()); });
    readiness_.add("store", [this] {
        const auto state = store_->state();
        return state.healthy ? std::string() : state.fault;
    });
    if (!settings.server.tls_cert_file.empty()) {
        grpc_tls_ =
            http::server_tls(settings.server.tls_cert_file, settings.server.tls_key_file, "h2");
        http_tls_ = http::server_tls(settings.server.tls_cert_file, settings.server.tls_key_file,
                                     "http/1.1");
    }
    add_operations_routes(operations_router_, readiness_, metrics_);
    // The writer and the background loop want the other half: with a serving loop for every core
    // they fight for it, and a quarter fewer calls get through.
    const unsigned half = std::max(1U, std::thread::hardware_concurrency() / 2);
    const unsigned loops = settings.server.loops == 0 ? half : settings.server.loops;
    for (unsigned i = 0; i < loops; ++i) {
        serving_.push_back(std::make_unique<ServingLoop>("serving-" + std::to_string(i)));
        add_faces(*serving_.back());
    }
}

std::vector<store::PruneRule> Service::prune_rules() const {
    auto rules =
        gateway::prune_rules({settings_.storage.retention, settings_.payments.idempotency_ttl});
    for (auto& rule : payments_.prune_rules()) rules.push_back(std::move(rule));
    if (settings_.storage.retention.count() > 0) {
        auto groups = payments_.consumer_groups();
        for (auto& group : aws_.consumer_groups()) groups.push_back(std::move(group));
        rules.emplace_back([keep = settings_.storage.retention, groups = std::move(groups)](
                               store::Transaction& tx, Instant now, int limit) {
            return broker::prune_consumed(tx, now - keep, limit, groups);
        });
    }
    return rules;
}

void Service::add_faces(ServingLoop& serving) {
    gateway_.add_faces(serving.services, serving.router);
    payments_.add_faces(serving.router, aws_.relays());
    web::add_docs_routes(serving.router);
    grpc::add_health(serving.services, [this] { return readiness_.ready(); });
    grpc::add_reflection(serving.services);
}

// The first loop's server finds out the port when any will do; the others share it.
void Service::listen() {
    const auto& server = settings_.server;
    std::uint16_t grpc_port = server.grpc_port;
    std::uint16_t http_port = server.http_port;
    for (auto& serving : serving_) {
        grpc::ServerOptions grpc_options{.address = server.bind_address,
                                         .port = grpc_port,
                                         .share_port = true,
                                         .limits = {},
                                         .tls = grpc_tls_.get()};
        grpc_options.limits.connections_max = server.connections_max;
        serving->grpc_server = std::make_unique<grpc::Server>(serving->loop, serving->services,
                                                              grpc_options, metrics_);
        grpc_port = serving->grpc_server->listen();
        http::ServerOptions http_options{.name = "api",
                                         .address = server.bind_address,
                                         .port = http_port,
                                         .share_port = true,
                                         .limits = {},
                                         .tls = http_tls_.get()};
        http_options.limits.connections_max = server.connections_max;
        serving->http_server =
            std::make_unique<http::Server>(serving->loop, serving->router, http_options, metrics_);
        http_port = serving->http_server->listen();
    }
    http::ServerOptions operations{.name = "operations",
                                   .address = server.bind_address,
                                   .port = server.health_port,
                                   .share_port = false,
                                   .limits = {},
                                   .tls = nullptr};
    operations_server_ =
        std::make_unique<http::Server>(operations_, operations_router_, operations, metrics_);
    const auto health_port = operations_server_->listen();
    telemetry::info("Florin is ready",
                    {{"version", version()},
                     {"grpc_port", grpc_port},
                     {"http_port", http_port},
                     {"health_port", health_port},
                     {"environment", name_of(settings_.environment)},
                     {"data", settings_.storage.ephemeral ? std::string("in memory only")
                                                          : settings_.storage.data_dir.string()}});
}

void Service::run() {
    runtime::run_until_done(operations_, payments_.open());
    listen();
    gateway_.start();
    payments_.start();
    aws_.start();
    runtime::spawn(background_, "pruning", pruning_.run());
    background_thread_ = std::thread([this] { background_.run(); });
    for (auto& serving : serving_)
        serving->thread = std::thread([&loop = serving->loop] { loop.run(); });
    runtime::spawn(operations_, "signals", stop_on_signal());
    operations_.run();  // until `stop_on_signal` ends it
    for (auto& serving : serving_) {
        serving->loop.stop();
        serving->thread.join();
    }
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

/// Runs `task` on `loop`; `done` when it was the last of `left`. All of them start from one loop.
awaitable<void> drain_one(runtime::Loop& loop, awaitable<void> task, std::size_t& left,
                          runtime::Completion& done) {
    try {
        co_await runtime::run_on(loop, std::move(task));
    } catch (const std::exception& fault) {
        telemetry::error("A server could not be drained", {{"fault", fault.what()}});
    }
    if (--left == 0) runtime::Loop::current().complete(&done);
}

// Faces first, all at once: nobody is accepted by one while another still waits for its calls. Then
// the deliveries under way. Timers and what is still to be delivered are in the store.
awaitable<void> Service::drain() {
    const auto until = std::chrono::steady_clock::now() + settings_.server.shutdown_timeout;
    const auto left = [until] {
        const auto rest = until - std::chrono::steady_clock::now();
        return std::max(std::chrono::milliseconds(0),
                        std::chrono::duration_cast<std::chrono::milliseconds>(rest));
    };
    std::size_t servers = 2 * serving_.size();
    runtime::Completion drained;
    co_await drained.wait([&] {
        const auto start = [&](runtime::Loop& loop, awaitable<void> task) {
            runtime::spawn(operations_, "drain",
                           drain_one(loop, std::move(task), servers, drained));
        };
        for (auto& serving : serving_) {
            start(serving->loop, serving->grpc_server->drain(left()));
            start(serving->loop, serving->http_server->drain(left()));
        }
    });
    pruning_.stop();
    co_await runtime::run_on(background_, gateway_.stop(left()));
    co_await runtime::run_on(background_, payments_.stop(left()));
    co_await runtime::run_on(background_, aws_.stop(left()));
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
