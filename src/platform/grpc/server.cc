#include "platform/grpc/server.h"

#include <atomic>
#include <set>
#include <vector>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "platform/grpc/server_session.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

namespace florin::grpc {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t write_bytes = 256 * 1024;
constexpr std::chrono::milliseconds sweep_interval{1'000};
// Deadlines closer together than this share a sweep: no sweep follows another sooner.
constexpr std::chrono::milliseconds sweep_spacing{5};

// Of all servers of the process: the limit on connections is about its descriptors and memory.
std::atomic<std::size_t> process_connections{0};

}  // namespace

/// A connection, whatever carries its bytes.
class ServerConnection : public SessionHost, public std::enable_shared_from_this<ServerConnection> {
public:
    virtual void begin() = 0;
    virtual void close(const char* reason) = 0;
    virtual void sweep(SteadyTime now) = 0;
    virtual void announce_shutdown(bool final) = 0;
};

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
public:
    Impl(runtime::Loop& loop, const Services& services, ServerOptions options,
         telemetry::Metrics& metrics)
        : loop_(loop),
          services_(services),
          options_(std::move(options)),
          metrics_(metrics, services),
          acceptor_(loop.context()),
          sweeper_(loop.context()) {
        metrics.gauge_from("florin_grpc_connections", "Open gRPC connections of one loop.",
                           {{"loop", loop.name()}}, [open = open_] {
                               return static_cast<double>(open->load(std::memory_order_relaxed));
                           });
    }

    std::uint16_t listen();
    awaitable<void> drain(std::chrono::milliseconds deadline);
    void stop();
    void gone(ServerConnection& connection);
    void sweep_at(SteadyTime at);

    runtime::Loop& loop_;
    const Services& services_;
    const ServerOptions options_;
    ServerMetrics metrics_;
    // Shared with the gauge that reads it, which the registry keeps.
    const std::shared_ptr<std::atomic<std::size_t>> open_ =
        std::make_shared<std::atomic<std::size_t>>(0);

private:
    void accept();
    void accepted(Tcp::socket socket);
    void sweep();

    Tcp::acceptor acceptor_;
    asio::steady_timer sweeper_;
    SteadyTime last_sweep_{};
    SteadyTime next_sweep_ = SteadyTime::max();
    bool accept_at_sweep_ = false;
    std::set<std::shared_ptr<ServerConnection>> connections_;
    bool draining_ = false;
};

namespace {

template <class Socket>
class ConnectionOver final : public ServerConnection {
public:
    ConnectionOver(std::shared_ptr<Server::Impl> server, Socket socket, std::string peer)
        : server_(std::move(server)),
          socket_(std::move(socket)),
          session_(std::make_unique<ServerSession>(server_->services_, server_->options_.limits,
                                                   server_->metrics_, *this, std::move(peer))),
          begun_(std::chrono::steady_clock::now()),
          input_(read_bytes) {}

    void begin() override {
        if constexpr (std::is_same_v<Socket, Tcp::socket>) {
            started_ = true;
            flush();
            read();
        } else {
            socket_.async_handshake(asio::ssl::stream_base::server,
                                    [self = keep()](error_code failed) {
                                        if (failed) return self->close("tls");
                                        self->started_ = true;
                                        self->flush();
                                        self->read();
                                    });
        }
    }

    void close(const char* reason) override {
        if (closed_) return;
        closed_ = true;
        if (reason != nullptr) server_->metrics_.ended(reason);
        error_code ignored;  // the peer may be gone already
        socket_.lowest_layer().close(ignored);
        server_->gone(*this);
        // Later: this may be running inside one of the session's own calls.
        asio::post(server_->loop_.context(), [self = keep()] { self->session_.reset(); });
    }

    void sweep(SteadyTime now) override {
        if (closed_ || session_ == nullptr) return;
        const auto patience = server_->options_.limits.progress_timeout;
        if (!started_ && now - begun_ > patience) return close("slow_handshake");
        if (writing_ && now - write_begun_ > patience) return close("slow_reader");
        if (const char* reason = session_->sweep(now)) {
            session_->announce_shutdown(true);
            ending_ = reason;
        }
        flush();
    }

    void announce_shutdown(bool final) override {
        if (!closed_ && session_ != nullptr) session_->announce_shutdown(final);
    }

    // SessionHost
    void start(awaitable<void> handler) override {
        runtime::spawn(server_->loop_, "grpc call", std::move(handler));
    }
    void output_ready() override {
        if (receiving_ || flush_posted_ || closed_) return;
        flush_posted_ = true;
        asio::post(server_->loop_.context(), [self = keep()] {
            self->flush_posted_ = false;
            self->flush();
        });
    }
    void sweep_at(SteadyTime at) override { server_->sweep_at(at); }

private:
    std::shared_ptr<ConnectionOver> keep() {
        return std::static_pointer_cast<ConnectionOver>(this->shared_from_this());
    }

    void read() {
        socket_.async_read_some(asio::buffer(input_),
                                [self = keep()](error_code failed, std::size_t size) {
                                    if (failed) return self->close(nullptr);
                                    self->received(size);
                                });
    }

    void received(std::size_t size) {
        if (closed_) return;
        receiving_ = true;
        session_->receive({input_.data(), size}, std::chrono::steady_clock::now());
        receiving_ = false;
        if (ending_ == nullptr) ending_ = session_->abuse();
        flush();
        if (!closed_ && ending_ == nullptr) read();
    }

    void flush() {
        if (closed_ || writing_ || !started_) return;
        output_.clear();
        if (!session_->take_output(output_, write_bytes)) return close("protocol_error");
        if (ending_ == nullptr) ending_ = session_->abuse();
        if (output_.empty()) {
            if (ending_ != nullptr) return close(ending_);
            if (session_->finished()) close(nullptr);
            return;
        }
        writing_ = true;
        write_begun_ = std::chrono::steady_clock::now();
        asio::async_write(socket_, asio::buffer(output_),
                          [self = keep()](error_code failed, std::size_t) {
                              self->writing_ = false;
                              if (failed) return self->close(nullptr);
                              self->flush();
                          });
    }

    std::shared_ptr<Server::Impl> server_;  // shared: connections end after the server object
    Socket socket_;
    std::unique_ptr<ServerSession> session_;
    SteadyTime begun_;
    SteadyTime write_begun_{};
    std::vector<char> input_;
    std::string output_;
    const char* ending_ = nullptr;  // set: close once the output is out
    bool started_ = false;
    bool receiving_ = false;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool closed_ = false;
};

std::string text_of(const Tcp::endpoint& endpoint) {
    return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

}  // namespace

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
                                 std::to_string(options_.port) + " for gRPC: " + failed.message());
    }
    accept();
    sweep_at(std::chrono::steady_clock::now() + sweep_interval);
    return acceptor_.local_endpoint().port();
}

void Server::Impl::accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code failed, Tcp::socket socket) {
        if (failed == asio::error::operation_aborted || self->draining_) return;
        if (!failed) self->accepted(std::move(socket));
        if (failed) {
            telemetry::warning("A connection could not be accepted",
                               {{"reason", failed.message()}});
            // Out of descriptors: trying again at once would only fail again.
            self->accept_at_sweep_ = true;
            return;
        }
        self->accept();
    });
}

void Server::Impl::accepted(Tcp::socket socket) {
    if (process_connections.load(std::memory_order_relaxed) >= options_.limits.connections_max) {
        metrics_.ended("too_many");
        return;  // closes it
    }
    error_code failed;
    socket.set_option(Tcp::no_delay(true), failed);
    const auto endpoint = socket.remote_endpoint(failed);
    if (failed) return;  // gone already
    std::shared_ptr<ServerConnection> connection;
    if (options_.tls != nullptr) {
        using Tls = asio::ssl::stream<Tcp::socket>;
        connection = std::make_shared<ConnectionOver<Tls>>(
            shared_from_this(), Tls(std::move(socket), *options_.tls), text_of(endpoint));
    } else {
        connection = std::make_shared<ConnectionOver<Tcp::socket>>(
            shared_from_this(), std::move(socket), text_of(endpoint));
    }
    connections_.insert(connection);
    ++*open_;
    ++process_connections;
    connection->begin();
}

void Server::Impl::gone(ServerConnection& connection) {
    if (connections_.erase(connection.shared_from_this()) == 0) return;
    --*open_;
    --process_connections;
}

void Server::Impl::sweep_at(SteadyTime at) {
    at = std::max(at, last_sweep_ + sweep_spacing);
    if (at >= next_sweep_) return;
    next_sweep_ = at;
    sweeper_.expires_at(next_sweep_);
    sweeper_.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled) self->sweep();
    });
}

void Server::Impl::sweep() {
    last_sweep_ = std::chrono::steady_clock::now();
    next_sweep_ = SteadyTime::max();
    if (std::exchange(accept_at_sweep_, false) && !draining_) accept();
    const auto connections = connections_;  // a sweep may end some
    // Each asks for the next sweep by its earliest deadline.
    for (const auto& connection : connections) connection->sweep(last_sweep_);
    if (!draining_ || !connections_.empty()) sweep_at(last_sweep_ + sweep_interval);
}

awaitable<void> Server::Impl::drain(std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    services_.start_draining();
    for (const auto& connection : connections_) connection->announce_shutdown(false);
    // Long enough for calls that crossed the notice on their way.
    co_await runtime::sleep_for(std::chrono::milliseconds(100));
    for (const auto& connection : connections_) connection->announce_shutdown(true);
    while (!connections_.empty() && std::chrono::steady_clock::now() < until) {
        co_await runtime::sleep_for(std::chrono::milliseconds(10));
    }
    stop();
}

void Server::Impl::stop() {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    sweeper_.cancel();
    const auto connections = connections_;
    for (const auto& connection : connections) connection->close(nullptr);
}

Server::Server(runtime::Loop& loop, const Services& services, ServerOptions options,
               telemetry::Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, services, std::move(options), metrics)) {}

Server::~Server() {
    impl_->stop();
}

std::uint16_t Server::listen() {
    return impl_->listen();
}

awaitable<void> Server::drain(std::chrono::milliseconds deadline) {
    co_await impl_->drain(deadline);
}

std::size_t Server::connections() const {
    return *impl_->open_;
}

}  // namespace florin::grpc
