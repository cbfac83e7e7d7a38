#include "platform/http/server.h"

#include <atomic>
#include <map>
#include <set>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "platform/base/faults.h"
#include "platform/http/target.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"
#include "platform/telemetry/trace.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

namespace florin::http {
namespace {

using WireRequest = beast_http::request<beast_http::string_body>;
using WireResponse = beast_http::response<beast_http::string_body>;

std::uint64_t entropy() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// Serves one request, turning what escapes its handler into a problem.
awaitable<Response> answer(const Router& router, Request request, std::string& route) {
    const std::string trace_id = request.trace_id;
    std::string fault;
    try {
        co_return co_await router.serve(std::move(request), route);
    } catch (const Overloaded& overloaded) {
        Response response = problem(503, "overloaded", overloaded.what(), trace_id);
        response.headers.add("Retry-After", "1");
        co_return response;
    } catch (const Unavailable& unavailable) {
        telemetry::warning("A request cannot be served now",
                           {{"fault", unavailable.what()}, {"trace_id", trace_id}});
        Response response = problem(
            503, "unavailable", "the service cannot do this now; try again in a moment", trace_id);
        response.headers.add("Retry-After", "1");
        co_return response;
    } catch (const std::exception& escaped) {
        fault = escaped.what();
    }
    telemetry::error("A request has failed",
                     {{"fault", fault}, {"route", route}, {"trace_id", trace_id}});
    co_return problem(500, "internal",
                      "the service failed; the reason is in its log, under this trace id",
                      trace_id);
}

std::expected<Request, std::string> to_request(WireRequest&& wire, std::string peer) {
    Request request;
    request.method = std::string_view(wire.method_string());
    request.peer = std::move(peer);
    for (const auto& field : wire)
        request.headers.add(std::string(field.name_string()), std::string(field.value()));
    request.trace_id = telemetry::choose_trace_id(
        request.headers.get("traceparent"), request.headers.get("X-Correlation-ID"), entropy());
    const std::string_view target(wire.target().data(), wire.target().size());
    request.body = std::move(wire.body());
    if (auto read = read_target(target, request); !read) return std::unexpected(read.error());
    return request;
}

WireResponse to_wire(Response response, unsigned version, bool head, const std::string& trace_id) {
    WireResponse wire;
    wire.version(version);
    wire.result(response.status);
    wire.reason(
        beast::string_view(reason_of(response.status).data(), reason_of(response.status).size()));
    if (!response.content_type.empty())
        wire.set(beast_http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers) wire.insert(name, value);
    if (!trace_id.empty()) wire.set("X-Correlation-ID", trace_id);
    wire.body() = std::move(response.body);
    wire.prepare_payload();
    if (head) wire.body().clear();  // the length stays that of the GET answer
    return wire;
}

struct RouteMetrics {
    telemetry::Histogram seconds;
    std::map<std::pair<std::string, unsigned>, telemetry::Counter>
        requests;  // by method and status
};

}  // namespace

class Connection {
public:
    virtual ~Connection() = default;
    virtual void close_if_idle() = 0;
    virtual void close() = 0;
};

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
public:
    Impl(runtime::Loop& loop, const Router& router, ServerOptions options,
         telemetry::Metrics& metrics)
        : loop_(loop),
          router_(router),
          options_(std::move(options)),
          metrics_(metrics),
          acceptor_(loop.context()) {}

    std::uint16_t listen();
    awaitable<void> drain(std::chrono::milliseconds deadline);
    void stop();
    void count(const std::string& route, const std::string& method, unsigned status,
               double seconds);

    template <class Stream>
    awaitable<void> serve(std::shared_ptr<Impl> self, Stream stream, std::string peer);

private:
    template <class Stream>
    class Live;
    template <class Stream>
    awaitable<bool> serve_one(Stream& stream, beast::flat_buffer& buffer, const std::string& peer,
                              Live<Stream>& live);
    template <class Stream>
    awaitable<bool> refuse(Stream& stream, unsigned status, std::string_view code,
                           std::string_view detail);

    awaitable<void> accept(std::shared_ptr<Impl> self);
    void accepted(Tcp::socket socket);

    runtime::Loop& loop_;
    const Router& router_;
    const ServerOptions options_;
    telemetry::Metrics& metrics_;
    Tcp::acceptor acceptor_;
    std::map<std::string, RouteMetrics, std::less<>> routes_;
    std::set<Connection*> connections_;
    bool draining_ = false;
};

/// An open connection in the server's set, from its acceptance to its end.
template <class Stream>
class Server::Impl::Live final : public Connection {
public:
    Live(Impl& server, Stream& stream) : server_(server), stream_(stream) {
        server_.connections_.insert(this);
    }
    ~Live() override { server_.connections_.erase(this); }
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

    void close_if_idle() override {
        if (!busy) close();
    }
    void close() override { beast::get_lowest_layer(stream_).cancel(); }

    bool busy = false;

private:
    Impl& server_;
    Stream& stream_;
};

std::uint16_t Server::Impl::listen() {
    error_code failed;
    const auto address = asio::ip::make_address(options_.address, failed);
    const Tcp::endpoint endpoint(address, options_.port);
    if (!failed) acceptor_.open(endpoint.protocol(), failed);
    if (!failed) acceptor_.set_option(Tcp::acceptor::reuse_address(true), failed);
    if (!failed && options_.share_port) {
        using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
        acceptor_.set_option(ReusePort(true), failed);
    }
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(1'024, failed);
    if (failed) {
        throw std::runtime_error("cannot listen on " + options_.address + ":" +
                                 std::to_string(options_.port) + " for " + options_.name + ": " +
                                 failed.message());
    }
    runtime::spawn(loop_, "http accept", accept(shared_from_this()));
    return acceptor_.local_endpoint().port();
}

awaitable<void> Server::Impl::accept(std::shared_ptr<Impl> self) {
    while (!draining_) {
        error_code failed;
        Tcp::socket socket(loop_.context());
        co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, failed));
        if (failed == asio::error::operation_aborted || draining_) break;
        if (failed) {
            telemetry::warning("A connection could not be accepted",
                               {{"reason", failed.message()}});
            co_await runtime::sleep_for(
                std::chrono::milliseconds(50));  // out of descriptors, most likely
            continue;
        }
        accepted(std::move(socket));
    }
}

void Server::Impl::accepted(Tcp::socket socket) {
    if (connections_.size() >= options_.limits.connections_max) return;  // closes it
    error_code failed;
    socket.set_option(Tcp::no_delay(true), failed);
    const auto endpoint = socket.remote_endpoint(failed);
    if (failed) return;  // gone already
    std::string peer = endpoint.address().to_string();
    if (options_.tls != nullptr) {
        using Tls = beast::ssl_stream<beast::tcp_stream>;
        runtime::spawn(
            loop_, "http connection",
            serve(shared_from_this(), Tls(beast::tcp_stream(std::move(socket)), *options_.tls),
                  std::move(peer)));
    } else {
        runtime::spawn(
            loop_, "http connection",
            serve(shared_from_this(), beast::tcp_stream(std::move(socket)), std::move(peer)));
    }
}

template <class Stream>
awaitable<void> Server::Impl::serve(std::shared_ptr<Impl> self, Stream stream, std::string peer) {
    Live<Stream> live(*self, stream);
    error_code failed;
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
        beast::get_lowest_layer(stream).expires_after(options_.limits.header_timeout);
        co_await stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
    }
    beast::flat_buffer buffer;
    while (!draining_) {
        // Between requests a quiet client may take its time; once it has begun, it has to get on.
        if (buffer.size() == 0) {
            beast::get_lowest_layer(stream).expires_after(options_.limits.idle_timeout);
            const auto space = buffer.prepare(4'096);
            const auto size = co_await stream.async_read_some(
                space, asio::redirect_error(asio::use_awaitable, failed));
            if (failed) break;
            buffer.commit(size);
        }
        live.busy = true;
        const bool go_on = co_await serve_one(stream, buffer, peer, live);
        live.busy = false;
        if (!go_on) break;
    }
    beast::get_lowest_layer(stream).socket().shutdown(Tcp::socket::shutdown_send, failed);
}

template <class Stream>
awaitable<bool> Server::Impl::serve_one(Stream& stream, beast::flat_buffer& buffer,
                                        const std::string& peer, Live<Stream>& /*live*/) {
    const auto& limits = options_.limits;
    error_code failed;
    beast_http::request_parser<beast_http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    parser.body_limit(limits.body_bytes_max);
    beast::get_lowest_layer(stream).expires_after(limits.header_timeout);
    co_await beast_http::async_read_header(stream, buffer, parser,
                                           asio::redirect_error(asio::use_awaitable, failed));
    if (failed == beast_http::error::header_limit) {
        co_return co_await refuse(stream, 431, "header_too_large",
                                  "the request's header is larger than " +
                                      std::to_string(limits.header_bytes_max) + " bytes");
    }
    if (failed == beast::error::timeout) co_return false;
    if (failed.category() ==
            beast_http::make_error_code(beast_http::error::bad_method).category() &&
        failed != beast_http::error::end_of_stream && failed) {
        co_return co_await refuse(stream, 400, "malformed_request",
                                  "the request is not valid HTTP: " + failed.message());
    }
    if (failed) co_return false;
    beast::get_lowest_layer(stream).expires_after(limits.body_timeout);
    if (beast::iequals(parser.get()[beast_http::field::expect], "100-continue")) {
        beast_http::response<beast_http::empty_body> go_on(beast_http::status::continue_,
                                                           parser.get().version());
        co_await beast_http::async_write(stream, go_on,
                                         asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return false;
    }
    co_await beast_http::async_read(stream, buffer, parser,
                                    asio::redirect_error(asio::use_awaitable, failed));
    if (failed == beast_http::error::body_limit) {
        co_return co_await refuse(stream, 413, "body_too_large",
                                  "the request's body is larger than " +
                                      std::to_string(limits.body_bytes_max) + " bytes");
    }
    if (failed) co_return false;

    const auto start = std::chrono::steady_clock::now();
    WireRequest wire = parser.release();
    const unsigned version = wire.version();
    const bool head = wire.method() == beast_http::verb::head;
    const bool keep_alive = wire.keep_alive() && !draining_;
    const std::string method(wire.method_string());
    std::string route = "none";
    auto request = to_request(std::move(wire), peer);
    std::string trace_id = request ? request->trace_id : std::string();
    Response response = request ? co_await answer(router_, std::move(*request), route)
                                : problem(400, "malformed_address", request.error());
    const unsigned status = response.status;
    WireResponse out = to_wire(std::move(response), version, head, trace_id);
    out.keep_alive(keep_alive);
    beast::get_lowest_layer(stream).expires_after(limits.write_timeout);
    co_await beast_http::async_write(stream, out,
                                     asio::redirect_error(asio::use_awaitable, failed));
    count(route, method, status,
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    co_return !failed && keep_alive;
}

template <class Stream>
awaitable<bool> Server::Impl::refuse(Stream& stream, unsigned status, std::string_view code,
                                     std::string_view detail) {
    WireResponse out = to_wire(problem(status, code, detail), 11, false, {});
    out.keep_alive(false);
    count("none", "", status, 0);
    beast::get_lowest_layer(stream).expires_after(options_.limits.write_timeout);
    error_code ignored;  // the connection ends either way
    co_await beast_http::async_write(stream, out,
                                     asio::redirect_error(asio::use_awaitable, ignored));
    co_return false;
}

void Server::Impl::count(const std::string& route, const std::string& method, unsigned status,
                         double seconds) {
    auto found = routes_.find(route);
    if (found == routes_.end()) {
        const telemetry::Labels labels{{"server", options_.name}, {"route", route}};
        found = routes_
                    .emplace(route,
                             RouteMetrics{metrics_.histogram("florin_http_request_seconds",
                                                             "Time to serve a request.",
                                                             telemetry::latency_bounds(), labels),
                                          {}})
                    .first;
    }
    // Unknown methods would make labels without bound.
    const std::string known = route == "none" ? "any" : method;
    auto& requests = found->second.requests;
    auto counter = requests.find({known, status});
    if (counter == requests.end()) {
        counter = requests
                      .emplace(std::pair(known, status),
                               metrics_.counter("florin_http_requests_total", "Requests served.",
                                                {{"server", options_.name},
                                                 {"route", route},
                                                 {"method", known},
                                                 {"status", std::to_string(status)}}))
                      .first;
    }
    counter->second.add();
    found->second.seconds.observe(seconds);
}

awaitable<void> Server::Impl::drain(std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (auto* connection : connections_) connection->close_if_idle();
    while (!connections_.empty() && std::chrono::steady_clock::now() < until) {
        co_await runtime::sleep_for(std::chrono::milliseconds(10));
    }
    stop();
}

void Server::Impl::stop() {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (auto* connection : connections_) connection->close();
}

Server::Server(runtime::Loop& loop, const Router& router, ServerOptions options,
               telemetry::Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, router, std::move(options), metrics)) {}

Server::~Server() {
    impl_->stop();
}

std::uint16_t Server::listen() {
    return impl_->listen();
}

awaitable<void> Server::drain(std::chrono::milliseconds deadline) {
    co_await impl_->drain(deadline);
}

}  // namespace florin::http
