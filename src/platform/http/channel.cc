#include "platform/http/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include "platform/base/require.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using TlsStream = asio::ssl::stream<Tcp::socket&>;
using boost::system::error_code;

namespace florin::http {
namespace {

constexpr std::chrono::seconds look_interval{1};
constexpr std::chrono::milliseconds look_interval_min{10};

}  // namespace

struct Channel::Wire {
    explicit Wire(Tcp::socket opened) : socket(std::move(opened)) {}

    Tcp::socket socket;
    std::optional<TlsStream> tls;
    std::string gathered;  // TLS encrypts one buffer at a time
    SteadyTime deadline = SteadyTime::max();
    bool timed_out = false;
    std::size_t place = 0;  // in the watchdog's list
};

class Watchdog::State : public std::enable_shared_from_this<Watchdog::State> {
public:
    explicit State(runtime::Loop& loop) : timer_(loop.context()) {}

    void add(Channel::Wire& wire) {
        wire.place = watched_.size();
        watched_.push_back(&wire);
    }
    void remove(Channel::Wire& wire) {
        watched_[wire.place] = watched_.back();
        watched_[wire.place]->place = wire.place;
        watched_.pop_back();
        if (!watched_.empty()) return;
        next_look_ = SteadyTime::max();
        timer_.cancel();
    }
    void look_at(SteadyTime at) {
        if (at < next_look_) wait_until(at);
    }

private:
    void wait_until(SteadyTime at) {
        const SteadyTime now = std::chrono::steady_clock::now();
        next_look_ = std::clamp(at, now + look_interval_min, now + look_interval);
        timer_.expires_at(next_look_);
        timer_.async_wait([weak = weak_from_this()](const error_code& stopped) {
            const auto self = weak.lock();
            if (self && !stopped) self->look();
        });
    }

    void look() {
        const SteadyTime now = std::chrono::steady_clock::now();
        SteadyTime next = SteadyTime::max();
        for (Channel::Wire* wire : watched_) {
            if (wire->deadline > now) {
                next = std::min(next, wire->deadline);
                continue;
            }
            // At every look, not once: a composed operation may have been between two steps.
            wire->timed_out = true;
            error_code ignored;  // a closed socket has nothing to cancel
            wire->socket.cancel(ignored);
        }
        next_look_ = SteadyTime::max();
        if (!watched_.empty()) wait_until(std::min(next, now + look_interval));
    }

    asio::steady_timer timer_;
    std::vector<Channel::Wire*> watched_;
    SteadyTime next_look_ = SteadyTime::max();
};

Watchdog::Watchdog(runtime::Loop& loop) : state_(std::make_shared<State>(loop)) {}
Watchdog::~Watchdog() = default;

Channel::Channel(Watchdog& watchdog, std::unique_ptr<Wire> wire)
    : watchdog_(watchdog.state_), wire_(std::move(wire)) {
    watchdog_->add(*wire_);
}

Channel::~Channel() {
    if (wire_) watchdog_->remove(*wire_);
}

Channel::Channel(Channel&&) noexcept = default;

awaitable<std::unique_ptr<Channel>> Channel::connect(runtime::Loop& loop, Watchdog& watchdog,
                                                     std::string address, std::uint16_t port,
                                                     SteadyTime until, std::error_code& failed) {
    auto channel =
        std::make_unique<Channel>(watchdog, std::make_unique<Wire>(Tcp::socket(loop.context())));
    channel->expires_at(until);
    error_code refused;
    const Tcp::endpoint endpoint(asio::ip::make_address(address, refused), port);
    if (!refused) {
        co_await channel->wire_->socket.async_connect(
            endpoint, asio::redirect_error(asio::use_awaitable, refused));
    }
    if (!refused) channel->wire_->socket.set_option(Tcp::no_delay(true), refused);
    failed = refused;
    if (channel->timed_out()) failed = std::make_error_code(std::errc::timed_out);
    if (failed) co_return nullptr;
    co_return channel;
}

awaitable<std::error_code> Channel::handshake_as_server(asio::ssl::context& tls) {
    wire_->tls.emplace(wire_->socket, tls);
    error_code failed;
    co_await wire_->tls->async_handshake(asio::ssl::stream_base::server,
                                         asio::redirect_error(asio::use_awaitable, failed));
    co_return failed;
}

awaitable<std::error_code> Channel::handshake_as_client(asio::ssl::context& tls, std::string host) {
    wire_->tls.emplace(wire_->socket, tls);
    error_code literal_not;
    asio::ip::make_address(host, literal_not);
    if (literal_not) {
        // The macro SSL_set_tlsext_host_name, spelled out; an address is not a name (RFC 6066, 3).
        SSL_ctrl(wire_->tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                 TLSEXT_NAMETYPE_host_name, host.data());
    }
    wire_->tls->set_verify_callback(asio::ssl::host_name_verification(host));
    error_code failed;
    co_await wire_->tls->async_handshake(asio::ssl::stream_base::client,
                                         asio::redirect_error(asio::use_awaitable, failed));
    co_return failed;
}

awaitable<Channel::Transfer> Channel::read_some(std::span<char> into) {
    error_code failed;
    std::size_t size = 0;
    const auto buffer = asio::buffer(into.data(), into.size());
    if (wire_->timed_out) co_return Transfer{0, std::make_error_code(std::errc::timed_out)};
    if (wire_->tls) {
        size = co_await wire_->tls->async_read_some(
            buffer, asio::redirect_error(asio::use_awaitable, failed));
    } else {
        size = co_await wire_->socket.async_read_some(
            buffer, asio::redirect_error(asio::use_awaitable, failed));
    }
    co_return Transfer{size, failed};
}

awaitable<Channel::Transfer> Channel::write(std::string_view first, std::string_view second) {
    error_code failed;
    std::size_t size = 0;
    if (wire_->timed_out) co_return Transfer{0, std::make_error_code(std::errc::timed_out)};
    if (wire_->tls) {
        auto& gathered = wire_->gathered;
        gathered.assign(first);
        gathered += second;
        size = co_await asio::async_write(*wire_->tls, asio::buffer(gathered),
                                          asio::redirect_error(asio::use_awaitable, failed));
    } else if (second.empty()) {
        size = co_await asio::async_write(wire_->socket, asio::buffer(first),
                                          asio::redirect_error(asio::use_awaitable, failed));
    } else {
        const std::array both{asio::buffer(first), asio::buffer(second)};
        size = co_await asio::async_write(wire_->socket, both,
                                          asio::redirect_error(asio::use_awaitable, failed));
    }
    co_return Transfer{size, failed};
}

void Channel::expires_at(SteadyTime at) {
    wire_->deadline = at;
    wire_->timed_out = false;
    watchdog_->look_at(at);
}

bool Channel::timed_out() const {
    return wire_->timed_out;
}

void Channel::cancel() {
    wire_->deadline = SteadyTime::min();
    wire_->timed_out = true;
    error_code ignored;  // a closed socket has nothing to cancel
    wire_->socket.cancel(ignored);
}

void Channel::shutdown_send() {
    error_code ignored;  // the peer may be gone
    wire_->socket.shutdown(Tcp::socket::shutdown_send, ignored);
}

bool Channel::quiet() {
    char byte = 0;
    const auto size =
        ::recv(wire_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    return size > 0 && wire_->tls;  // TLS servers send session tickets when they like
}

std::string Channel::peer() const {
    error_code failed;
    const auto endpoint = wire_->socket.remote_endpoint(failed);
    return failed ? std::string() : endpoint.address().to_string();
}

bool Channel::is_end_of_stream(const std::error_code& failed) {
    return failed == std::error_code(error_code(asio::error::eof));
}

struct Listener::Impl {
    explicit Impl(runtime::Loop& loop) : owner(loop), acceptor(loop.context()) {}

    runtime::Loop& owner;
    Tcp::acceptor acceptor;
};

Listener::Listener(runtime::Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
Listener::~Listener() = default;

std::error_code Listener::listen(const std::string& address, std::uint16_t port, Sharing sharing) {
    auto& acceptor = impl_->acceptor;
    error_code failed;
    const Tcp::endpoint endpoint(asio::ip::make_address(address, failed), port);
    if (!failed) acceptor.open(endpoint.protocol(), failed);
    if (!failed) acceptor.set_option(Tcp::acceptor::reuse_address(true), failed);
    if (!failed && sharing == Sharing::WithOthers) {
        using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
        acceptor.set_option(ReusePort(true), failed);
    }
    if (!failed) acceptor.bind(endpoint, failed);
    if (!failed) acceptor.listen(1'024, failed);
    if (failed) close();
    return failed;
}

std::uint16_t Listener::port() const {
    return impl_->acceptor.local_endpoint().port();
}

awaitable<std::unique_ptr<Channel>> Listener::accept(Watchdog& watchdog, std::error_code& failed) {
    error_code refused;
    Tcp::socket socket(impl_->owner.context());
    co_await impl_->acceptor.async_accept(socket,
                                          asio::redirect_error(asio::use_awaitable, refused));
    failed = refused;
    if (failed) co_return nullptr;
    socket.set_option(Tcp::no_delay(true), refused);  // fails only when the peer is gone
    co_return std::make_unique<Channel>(watchdog,
                                        std::make_unique<Channel::Wire>(std::move(socket)));
}

void Listener::close() {
    error_code ignored;  // it is closed either way
    impl_->acceptor.close(ignored);
}

bool Listener::open() const {
    return impl_->acceptor.is_open();
}

}  // namespace florin::http
