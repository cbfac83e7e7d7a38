#include "app/worker.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/command_line.h"
#include "app/listen.h"
#include "app/settings.h"
#include "app/version.h"
#include "app/wire_worker.h"
#include "app/worker_api.h"
#include "operations/dead_letter_api.h"
#include "platform/grpc/health.h"
#include "platform/grpc/server.h"
#include "platform/http/admin_access.h"
#include "platform/http/server.h"
#include "platform/http/url.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/run_on.h"
#include "platform/store/sqlite_store.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/process_metrics.h"

namespace florin::app {
namespace {

store::SqliteOptions store_options(const Settings& settings) {
    store::SqliteOptions options;
    if (!settings.storage.ephemeral)
        options.file = settings.storage.data_dir / "reservation-worker.db";
    options.migrations = store::sqlite_migrations();
    return options;
}

/// Everything one worker process runs. Members are in the order in which they are needed.
class WorkerProcess {
public:
    explicit WorkerProcess(const Settings& settings);
    /// Works until a signal; then ends in order.
    void run();

private:
    void listen();
    [[nodiscard]] bool ready() const;
    awaitable<void> stop_on_signal();

    const Settings& settings_;
    const http::AdminAccess admin_;
    SystemClock clock_;
    telemetry::Metrics metrics_;
    std::unique_ptr<store::Store> store_;
    runtime::Loop operations_{"operations"};
    runtime::Loop work_{"worker"};
    WorkerParts worker_;
    std::atomic<bool> draining_{false};
    http::Router router_;
    grpc::Services services_;
    std::unique_ptr<http::Server> http_server_;
    std::unique_ptr<grpc::Server> grpc_server_;
    std::thread work_thread_;
};

WorkerProcess::WorkerProcess(const Settings& settings)
    : settings_(settings),
      admin_{settings.server.admin_token, settings.environment == Environment::Production},
      store_(store::open_sqlite(store_options(settings), metrics_)),
      worker_(work_, *store_, clock_, settings, metrics_) {
    telemetry::register_process_metrics(metrics_,
                                        [] { return static_cast<double>(runtime::live_tasks()); });
    add_worker_routes(router_, [this] { return ready(); }, metrics_);
    operations::add_dead_letter_routes(router_, *store_, clock_, {{}, worker_.relays()}, admin_,
                                       [this] { worker_.dead_letters_changed(); });
    grpc::add_health(services_, [this] { return ready(); }, {"reservation-worker"});
    grpc::add_reflection(services_);
}

bool WorkerProcess::ready() const {
    return !draining_ && worker_.queue_answers() && store_->state().healthy;
}

void WorkerProcess::listen() {
    http::ServerOptions http;
    http.name = "operations";
    http.address = settings_.server.bind_address;
    http.port = settings_.worker.http_port;
    http.share_port = false;
    http_server_ = std::make_unique<http::Server>(operations_, router_, http, metrics_);
    const auto http_port = app::listen(*http_server_, "SERVER_PORT");
    grpc::ServerOptions grpc;
    grpc.address = settings_.server.bind_address;
    grpc.port = settings_.worker.grpc_port;
    grpc.share_port = false;
    grpc_server_ = std::make_unique<grpc::Server>(operations_, services_, grpc, metrics_);
    const auto grpc_port = app::listen(*grpc_server_, "GRPC_DEBUG_PORT");
    telemetry::info("The reservation worker is ready",
                    {{"version", version()},
                     {"queue", settings_.aws.queue_url},
                     {"http_port", http_port},
                     {"grpc_port", grpc_port},
                     {"concurrency", settings_.worker.concurrency},
                     {"reservation_api", settings_.worker.reservation_api},
                     {"inventory", settings_.worker.inventory}});
}

void WorkerProcess::run() {
    listen();
    worker_.start();
    work_thread_ = std::thread([this] { work_.run(); });
    runtime::spawn(operations_, "signals", stop_on_signal());
    operations_.run();  // until `stop_on_signal` ends it
    work_.stop();
    work_thread_.join();
    // Commands still under way end here, while the loops and parts they answer to exist.
    store_.reset();
}

awaitable<void> WorkerProcess::stop_on_signal() {
    boost::asio::signal_set signals(operations_.context(), SIGINT, SIGTERM);
    const int signal = co_await signals.async_wait(boost::asio::use_awaitable);
    telemetry::info("Stopping: finishing the messages under way",
                    {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    draining_ = true;
    const auto until = std::chrono::steady_clock::now() + settings_.server.shutdown_timeout;
    co_await runtime::run_on(work_, worker_.stop(settings_.server.shutdown_timeout));
    const auto left = [until] {
        const auto rest = until - std::chrono::steady_clock::now();
        return std::max(std::chrono::ceil<Milliseconds>(rest), Milliseconds(100));
    };
    co_await grpc_server_->drain(left());
    co_await http_server_->drain(left());
    telemetry::info("Stopped; what was not finished comes again");
    operations_.stop();
}

/// What keeps a queue from being one, for people; empty when nothing does.
std::string wrong_with_queue(const char* setting, const std::string& url) {
    if (url.find("YOUR_ACCOUNT_ID") != std::string::npos) {
        return fmt::format("{} still says YOUR_ACCOUNT_ID; put the number of your account there",
                           setting);
    }
    const auto parsed = http::parse_url(url);
    if (parsed) return "";
    return fmt::format("{} \"{}\" {}; give the queue's URL as `aws sqs get-queue-url` prints it",
                       setting, url, parsed.error());
}

}  // namespace

std::string missing_for_worker(const Settings& settings) {
    const auto& aws = settings.aws;
    if (aws.queue_url.empty()) {
        return "PAYMENT_WEBHOOK_QUEUE_URL is not set; give the URL of the queue that the event "
               "bus's rule feeds, such as "
               "https://sqs.ap-northeast-2.amazonaws.com/ACCOUNT/traffic-tacos-payment-webhooks";
    }
    if (auto wrong = wrong_with_queue("PAYMENT_WEBHOOK_QUEUE_URL", aws.queue_url); !wrong.empty())
        return wrong;
    if (aws.dead_letter_queue_url.empty()) return "";
    auto wrong = wrong_with_queue("PAYMENT_WEBHOOK_DLQ_URL", aws.dead_letter_queue_url);
    return wrong.empty() ? wrong : wrong + ", or leave it empty";
}

int run_worker(const Settings& settings) {
    if (const std::string missing = missing_for_worker(settings); !missing.empty()) {
        std::fprintf(stderr, "reservation-worker: %s\n", missing.c_str());
        return exit_usage;
    }
    const telemetry::LogSession log({.format = settings.log_format,
                                     .level = settings.log_level,
                                     .colour = ::isatty(STDOUT_FILENO) == 1});
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    try {
        WorkerProcess process(settings);
        process.run();
        return exit_ok;
    } catch (const std::exception& fault) {
        telemetry::error("The reservation worker cannot start", {{"reason", fault.what()}});
        std::fprintf(stderr, "reservation-worker: cannot start: %s\n", fault.what());
        return exit_failure;
    }
}

}  // namespace florin::app
