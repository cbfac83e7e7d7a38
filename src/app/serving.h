#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/grpc/server.h"
#include "platform/http/server.h"
#include "platform/http/tls.h"
#include "platform/runtime/awaitable.h"
#include "platform/runtime/loop.h"

namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

struct Settings;

/// One event loop with its share of the faces, on a thread of its own. Which servers it has is a
/// matter of the roles; its tables are there in any case.
struct ServingLoop {
    explicit ServingLoop(std::string name) : loop(std::move(name)) {}

    runtime::Loop loop;
    grpc::Services services;
    http::Router router;
    std::unique_ptr<grpc::Server> grpc_server;
    std::unique_ptr<http::Server> http_server;
    std::thread thread;
};

/// The loops that answer clients: none in a process that has no face. Made, filled and told to
/// listen before anything runs.
class Serving {
public:
    /// What was listened on; 0: not at all.
    struct Ports {
        std::uint16_t grpc = 0;
        std::uint16_t http = 0;
    };

    /// Both arguments outlive this object. Throws `std::runtime_error` when the certificate cannot
    /// be used.
    Serving(const Settings& settings, telemetry::Metrics& metrics);

    /// Lets `add` fill the tables of each loop.
    void add_faces(const std::function<void(ServingLoop&)>& add);
    /// Throws `std::runtime_error` that names address, port and reason.
    Ports listen();
    void start();
    /// No new connections on any loop from now on; resumes when all calls under way have ended, or
    /// the deadline has passed.
    awaitable<void> drain(std::chrono::milliseconds deadline);
    /// Ends the loops and their threads.
    void stop();

private:
    void listen_grpc(ServingLoop& serving, std::uint16_t& port);
    void listen_http(ServingLoop& serving, std::uint16_t& port);

    const Settings& settings_;
    telemetry::Metrics& metrics_;
    http::TlsContext grpc_tls_;
    http::TlsContext http_tls_;
    std::vector<std::unique_ptr<ServingLoop>> loops_;
};

}  // namespace florin::app
