#include "app/serving.h"

#include <algorithm>
#include <exception>

#include "app/listen.h"
#include "app/settings.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/run_on.h"
#include "platform/telemetry/log.h"

namespace florin::app {
namespace {

unsigned loops_of(const Settings& settings) {
    if (!settings.roles.serve_http() && !settings.roles.serve_grpc()) return 0;
    // The writer and the background loop want the other half: with a serving loop for every core
    // they fight for it, and a quarter fewer calls get through.
    const unsigned half = std::max(1U, std::thread::hardware_concurrency() / 2);
    return settings.server.loops == 0 ? half : settings.server.loops;
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

}  // namespace

Serving::Serving(const Settings& settings, telemetry::Metrics& metrics)
    : settings_(settings), metrics_(metrics) {
    const auto& server = settings.server;
    if (!server.tls_cert_file.empty()) {
        grpc_tls_ = http::server_tls(server.tls_cert_file, server.tls_key_file, "h2");
        http_tls_ = http::server_tls(server.tls_cert_file, server.tls_key_file, "http/1.1");
    }
    for (unsigned i = 0; i < loops_of(settings); ++i)
        loops_.push_back(std::make_unique<ServingLoop>("serving-" + std::to_string(i)));
}

void Serving::add_faces(const std::function<void(ServingLoop&)>& add) {
    for (auto& serving : loops_) add(*serving);
}

// The first loop's server finds out the port when any will do; the others share it.
Serving::Ports Serving::listen() {
    Ports ports{settings_.server.grpc_port, settings_.server.http_port};
    for (auto& serving : loops_) {
        if (settings_.roles.serve_grpc()) listen_grpc(*serving, ports.grpc);
        if (settings_.roles.serve_http()) listen_http(*serving, ports.http);
    }
    if (!settings_.roles.serve_grpc()) ports.grpc = 0;
    if (!settings_.roles.serve_http()) ports.http = 0;
    return ports;
}

void Serving::listen_grpc(ServingLoop& serving, std::uint16_t& port) {
    grpc::ServerOptions options{.address = settings_.server.bind_address,
                                .port = port,
                                .share_port = true,
                                .limits = {},
                                .tls = grpc_tls_.get()};
    options.limits.connections_max = settings_.server.connections_max;
    serving.grpc_server =
        std::make_unique<grpc::Server>(serving.loop, serving.services, options, metrics_);
    port = app::listen(*serving.grpc_server, "GRPC_PORT");
}

void Serving::listen_http(ServingLoop& serving, std::uint16_t& port) {
    http::ServerOptions options{.name = "api",
                                .address = settings_.server.bind_address,
                                .port = port,
                                .share_port = true,
                                .limits = {},
                                .tls = http_tls_.get()};
    options.limits.connections_max = settings_.server.connections_max;
    serving.http_server =
        std::make_unique<http::Server>(serving.loop, serving.router, options, metrics_);
    port = app::listen(*serving.http_server, "HTTP_PORT");
}

void Serving::start() {
    for (auto& serving : loops_)
        serving->thread = std::thread([&loop = serving->loop] { loop.run(); });
}

// All at once: nobody is accepted by one server while another still waits for its calls.
awaitable<void> Serving::drain(std::chrono::milliseconds deadline) {
    std::size_t left = 0;
    for (const auto& serving : loops_)
        left += (serving->grpc_server ? 1U : 0U) + (serving->http_server ? 1U : 0U);
    if (left == 0) co_return;
    runtime::Completion drained;
    co_await drained.wait([&] {
        const auto start = [&](runtime::Loop& loop, awaitable<void> task) {
            runtime::spawn(runtime::Loop::current(), "drain",
                           drain_one(loop, std::move(task), left, drained));
        };
        for (auto& serving : loops_) {
            if (serving->grpc_server) start(serving->loop, serving->grpc_server->drain(deadline));
            if (serving->http_server) start(serving->loop, serving->http_server->drain(deadline));
        }
    });
}

void Serving::stop() {
    for (auto& serving : loops_) {
        serving->loop.stop();
        serving->thread.join();
    }
}

}  // namespace florin::app
