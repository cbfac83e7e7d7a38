#include "platform/http/server.h"

#include <array>
#include <set>
#include <stdexcept>

#include "platform/base/faults.h"
#include "platform/base/random.h"
#include "platform/http/channel.h"
#include "platform/http/gzip.h"
#include "platform/http/readers.h"
#include "platform/http/response_writer.h"
#include "platform/http/server_metrics.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace florin::http {
namespace {

/// Serves one request, turning what escapes its handler into a problem.
awaitable<Response> answer(const Router& router, Request request, std::string_view& route) {
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

/// An open connection: what it reads, where it writes.
struct Connection {
    Connection(std::unique_ptr<Channel> opened, const ServerLimits& limits)
        : channel(std::move(opened)),
          reader({.header_bytes_max = limits.header_bytes_max,
                  .fields_max = 100,
                  .body_bytes_max = limits.body_bytes_max}),
          peer(channel->peer()) {}

    std::unique_ptr<Channel> channel;
    RequestReader reader;
    std::string peer;
    std::string head;   // of the response under way
    bool busy = false;  // a request has begun and is not answered
    bool lost = false;  // no answer can reach the client any more
};

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
public:
    Impl(runtime::Loop& loop, const Router& router, ServerOptions options,
         telemetry::Metrics& metrics)
        : loop_(loop),
          router_(router),
          options_(std::move(options)),
          metrics_(metrics, options_.name),
          watchdog_(loop),
          listener_(loop),
          random_(seed_from_system()) {}

    std::uint16_t listen();
    awaitable<void> drain(std::chrono::milliseconds deadline);
    void stop();

private:
    /// A connection's place in the server's set, from its acceptance to its end.
    struct Place {
        Place(Impl& server, Connection& connection) : of(server), held(connection) {
            of.connections_.insert(&held);
        }
        ~Place() { of.connections_.erase(&held); }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;

        Impl& of;
        Connection& held;
    };

    awaitable<void> accept(std::shared_ptr<Impl> self);
    awaitable<void> refuse_connection(std::shared_ptr<Impl> self, std::unique_ptr<Channel> channel);
    awaitable<void> serve(std::shared_ptr<Impl> self, std::unique_ptr<Channel> channel);
    awaitable<bool> read_request(Connection& connection);
    awaitable<bool> answer_request(Connection& connection);
    awaitable<void> respond(Connection& connection, Response response, ResponseFraming framing);
    awaitable<void> refuse_request(Connection& connection, const Refusal& refusal);
    awaitable<void> linger(Connection& connection);

    runtime::Loop& loop_;
    const Router& router_;
    const ServerOptions options_;
    ServerMetrics metrics_;
    Watchdog watchdog_;
    Listener listener_;
    ResponseWriter writer_;
    Random random_;
    std::set<Connection*> connections_;
    bool draining_ = false;
};

std::uint16_t Server::Impl::listen() {
    const auto sharing =
        options_.share_port ? Listener::Sharing::WithOthers : Listener::Sharing::Alone;
    if (const auto failed = listener_.listen(options_.address, options_.port, sharing)) {
        throw std::runtime_error("cannot listen on " + options_.address + ":" +
                                 std::to_string(options_.port) + " for " + options_.name + ": " +
                                 failed.message());
    }
    runtime::spawn(loop_, "http accept", accept(shared_from_this()));
    return listener_.port();
}

awaitable<void> Server::Impl::accept(std::shared_ptr<Impl> self) {
    while (!draining_) {
        std::error_code failed;
        auto channel = co_await listener_.accept(watchdog_, failed);
        if (draining_ || !listener_.open()) break;
        if (failed) {
            // Out of descriptors, most likely: give connections time to end.
            telemetry::warning("A connection could not be accepted",
                               {{"server", options_.name}, {"reason", failed.message()}});
            co_await runtime::sleep_for(std::chrono::milliseconds(50));
        } else if (connections_.size() >= options_.limits.connections_max) {
            metrics_.count_refused_connection();
            telemetry::warning("A connection was refused: too many are open",
                               {{"server", options_.name}, {"connections", connections_.size()}});
            runtime::spawn(loop_, "http refusal", refuse_connection(self, std::move(channel)));
        } else {
            runtime::spawn(loop_, "http connection", serve(self, std::move(channel)));
        }
    }
}

// One write that fits any socket's buffer: it cannot wait for a client that reads nothing.
awaitable<void> Server::Impl::refuse_connection(std::shared_ptr<Impl> self,
                                                std::unique_ptr<Channel> channel) {
    if (self->options_.tls != nullptr) co_return;
    Response response = problem(503, "too_many_connections",
                                "the server has too many connections; try again in a moment");
    response.headers.add("Retry-After", "1");
    std::string head;
    self->writer_.write(head, response, {.keep_alive = false, .trace_id = {}});
    channel->expires_after(std::chrono::seconds(1));
    co_await channel->write(head, response.body);
}

awaitable<void> Server::Impl::serve(std::shared_ptr<Impl> self, std::unique_ptr<Channel> channel) {
    Connection connection(std::move(channel), self->options_.limits);
    const Place place(*self, connection);
    if (options_.tls != nullptr) {
        connection.channel->expires_after(options_.limits.header_timeout);
        if (co_await connection.channel->handshake_as_server(*options_.tls)) co_return;
    }
    bool go_on = true;
    while (go_on && co_await read_request(connection)) {
        go_on = co_await answer_request(connection);
        connection.busy = false;
        if (go_on) connection.reader.start_next();
    }
    if (!connection.lost) co_await linger(connection);
}

/// Reads until a request is complete, or refused. False: the connection has to end.
awaitable<bool> Server::Impl::read_request(Connection& connection) {
    auto& [channel, reader, peer, head, busy, lost] = connection;
    const auto& limits = options_.limits;
    auto phase = RequestReader::State::Refused;  // none yet
    bool invited = false;
    if (!reader.begun()) channel->expires_after(limits.idle_timeout);
    while (true) {
        const auto state = reader.state();
        if (reader.begun()) busy = true;
        if (state == RequestReader::State::Complete || state == RequestReader::State::Refused)
            co_return true;
        if (draining_ && !busy) co_return false;
        // A quiet client may take its time between requests; once it has begun, it has to get on.
        if (busy && state != phase) {
            phase = state;
            channel->expires_after(state == RequestReader::State::Head ? limits.header_timeout
                                                                       : limits.body_timeout);
        }
        if (!invited && reader.expects_continue()) {
            invited = true;
            co_await channel->write("HTTP/1.1 100 Continue\r\n\r\n");
        }
        const auto read = co_await channel->read_some(reader.space());
        reader.received(read.size);
        if (!read.failed) continue;
        if (channel->timed_out() && busy && !draining_) {
            const Refusal late{408, "request_timeout",
                               "the request did not arrive in time; send it again, faster"};
            co_await refuse_request(connection, late);
        } else {
            lost = true;  // gone, or idle: nothing is on its way that lingering could save
        }
        co_return false;
    }
}

/// True when the connection may carry another request.
awaitable<bool> Server::Impl::answer_request(Connection& connection) {
    auto& reader = connection.reader;
    if (reader.state() == RequestReader::State::Refused) {
        co_await refuse_request(connection, reader.refusal());
        co_return false;
    }
    const auto start = std::chrono::steady_clock::now();
    ResponseFraming framing{.version = reader.version(), .trace_id = {}};
    auto request = reader.take(connection.peer, random_.next());
    std::string trace_id;
    std::string method = "any";
    std::string_view route = "none";
    Response response;
    if (request) {
        trace_id = request->trace_id;
        method = request->method;
        framing.head = method == "HEAD";
        framing.gzip = accepts_gzip(request->headers.get("Accept-Encoding"));
        framing.trace_id = trace_id;
        response = co_await answer(router_, std::move(*request), route);
    } else {
        const auto& refusal = request.error();
        response = problem(refusal.status, refusal.code, refusal.detail);
    }
    framing.keep_alive = reader.keep_alive() && !draining_;
    const unsigned status = response.status;
    const bool go_on = framing.keep_alive;
    co_await respond(connection, std::move(response), framing);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    metrics_.count_request(route, method, status, took.count());
    co_return go_on && !connection.lost;
}

awaitable<void> Server::Impl::respond(Connection& connection, Response response,
                                      ResponseFraming framing) {
    constexpr std::size_t copied_bytes_max = 4 * 1024;
    writer_.write(connection.head, response, framing);
    std::string_view rest = response.body;
    if (rest.size() <= copied_bytes_max) {  // cheaper than a second buffer
        connection.head += rest;
        rest = {};
    }
    connection.channel->expires_after(options_.limits.write_timeout);
    const auto written = co_await connection.channel->write(connection.head, rest);
    if (written.failed) connection.lost = true;
}

awaitable<void> Server::Impl::refuse_request(Connection& connection, const Refusal& refusal) {
    metrics_.count_request("none", "any", refusal.status, 0);
    co_await respond(connection, problem(refusal.status, refusal.code, refusal.detail),
                     {.keep_alive = false, .trace_id = {}});
}

// Closing a socket that has unread bytes resets it, and the reset can overtake the answer: the
// client would see no 413 but a broken connection (RFC 9112, 9.6).
awaitable<void> Server::Impl::linger(Connection& connection) {
    constexpr std::size_t discarded_bytes_max = 4UL * 1024 * 1024;
    std::array<char, 4096> scrap{};
    connection.channel->shutdown_send();
    connection.channel->expires_after(std::chrono::seconds(1));
    for (std::size_t discarded = 0; discarded < discarded_bytes_max;) {
        const auto read = co_await connection.channel->read_some(scrap);
        if (read.failed) break;
        discarded += read.size;
    }
}

awaitable<void> Server::Impl::drain(std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    draining_ = true;
    listener_.close();
    for (auto* connection : connections_) {
        if (!connection->busy) connection->channel->cancel();
    }
    while (!connections_.empty() && std::chrono::steady_clock::now() < until) {
        co_await runtime::sleep_for(std::chrono::milliseconds(5));
    }
    stop();
}

void Server::Impl::stop() {
    draining_ = true;
    listener_.close();
    for (auto* connection : connections_) connection->channel->cancel();
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
