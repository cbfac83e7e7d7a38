#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/message.h"
#include "platform/runtime/awaitable.h"

namespace boost::asio::ssl {
class context;
}
namespace florin::runtime {
class Loop;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::http {

/// Serves one request. What it throws becomes a problem: `Overloaded` and `Unavailable` (so
/// `StoreFault` too) 503, anything else 500 with a text that tells nothing.
using Handler = std::function<awaitable<Response>(Request request)>;

/// Paths and their handlers. Filled before serving, then only read: loops share one router.
class Router {
public:
    /// `pattern` has literal segments and parameters: "/api/gateway/payments/{id}". A literal
    /// segment wins over a parameter, whatever the method: POST /items/latest makes a GET of
    /// that path a 405, even beside GET /items/{id}. HEAD is served by the GET handler, OPTIONS by
    /// the router.
    void add(std::string method, std::string pattern, Handler handler);

    /// What answers unknown paths; by default a 404 problem.
    void set_fallback(Handler handler);

    /// Finds and calls the handler; 404, 405 (with Allow) by itself.
    awaitable<Response> serve(Request request) const;
    /// The same; `route` gets the pattern that matched, of this router, or "none".
    awaitable<Response> serve(Request request, std::string_view& route) const;

    /// "GET /path/{id}" of every route, sorted: tests hold api/openapi.yaml against it.
    [[nodiscard]] std::vector<std::string> routes() const;

private:
    struct Route {
        std::string method;
        std::string pattern;
        std::vector<std::string> segments;
        Handler handler;
    };
    using Segments = std::span<const std::string_view>;
    static int fit(const Route& route, Segments path);
    [[nodiscard]] int best_fit(Segments path) const;
    [[nodiscard]] const Route* find(std::string_view method, Segments path, int wanted_fit) const;
    [[nodiscard]] std::string allowed_methods(Segments path, int wanted_fit) const;
    [[nodiscard]] std::string all_methods() const;
    [[nodiscard]] Response without_route(const Request& request, const std::string& allowed) const;

    std::vector<Route> routes_;
    Handler fallback_;
};

struct ServerLimits {
    std::size_t header_bytes_max = 16 * 1024;
    std::size_t body_bytes_max = 1024 * 1024;
    std::size_t connections_max = 4'096;
    std::chrono::milliseconds header_timeout{10'000};  // slow writers: the whole request head
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds write_timeout{30'000};  // slow readers
    std::chrono::milliseconds idle_timeout{90'000};   // keep-alive
};

struct ServerOptions {
    std::string name = "http";  // label `server` of its metrics
    std::string address = "0.0.0.0";
    std::uint16_t port = 0;
    bool share_port = true;
    ServerLimits limits;
    boost::asio::ssl::context* tls = nullptr;
};

/// An HTTP/1.1 server on one loop (RFC 9112, on Boost.Beast). Keep-alive, pipelining in order,
/// limits, `Expect: 100-continue`, gzip of compressible answers when asked. What breaks a limit is
/// answered with a problem (400, 408, 413, 431, 503, 505) and closed. Every answer carries its
/// trace id in `X-Correlation-ID`. Counts florin_http_requests_total{server,route,method,status},
/// florin_http_request_seconds{server,route} and florin_http_refused_connections_total{server}.
class Server {
public:
    Server(runtime::Loop& loop, const Router& router, ServerOptions options,
           telemetry::Metrics& metrics);
    ~Server();

    /// Binds and starts accepting; returns the port. Throws `std::runtime_error` that names
    /// address, port and reason.
    std::uint16_t listen();

    /// Stops accepting, lets requests in flight finish (`Connection: close`), closes idle
    /// connections, and resumes when done or at the deadline.
    awaitable<void> drain(std::chrono::milliseconds deadline);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;  // shared with its connections: they end after the server object
};

}  // namespace florin::http
