#include "platform/http/connection_pool.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/http/resolver.h"
#include "platform/http/tls.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace florin::http {
namespace {

constexpr std::chrono::milliseconds sweep_interval_max{1'000};

ClientError late(const Url& url, const char* what) {
    return {ClientError::Kind::Timeout, url.origin() + what, true};
}

}  // namespace

struct ConnectionPool::Origin {
    std::vector<std::unique_ptr<Connection>> idle;  // the last one used last
    std::size_t open = 0;                           // idle and leased
    std::deque<Waiter*> waiting;
    SteadyTime last_used{};

    [[nodiscard]] bool unused() const { return open == idle.size() && waiting.empty(); }
};

/// A caller in the queue. It may die waiting, with its loop.
struct ConnectionPool::Waiter {
    Waiter(Origin& queue, asio::steady_timer until) : origin(queue), timer(std::move(until)) {
        origin.waiting.push_back(this);
    }
    ~Waiter() {
        if (!turn) std::erase(origin.waiting, this);  // whose turn came has left the queue
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Origin& origin;
    asio::steady_timer timer;  // ends the wait: at the deadline, or cancelled when the turn came
    std::optional<Lease> turn;
};

struct ConnectionPool::Parts {
    Parts(runtime::Loop& loop, const ClientOptions& options)
        : tls(client_tls(options.ca_file, "")),
          watchdog(loop),
          resolver(loop),
          sweeper(loop.context()) {}

    TlsContext tls;
    Watchdog watchdog;
    Resolver resolver;
    asio::steady_timer sweeper;
    bool sweeping = false;
    std::map<std::string, Origin, std::less<>> origins;  // leases hold references
};

ConnectionPool::ConnectionPool(runtime::Loop& loop, const ClientOptions& options)
    : loop_(loop), options_(options), parts_(std::make_unique<Parts>(loop, options)) {}
ConnectionPool::~ConnectionPool() = default;

ConnectionPool::Lease::Lease(Lease&& other) noexcept
    : connection(std::move(other.connection)),
      pool_(other.pool_),
      origin_(std::exchange(other.origin_, nullptr)) {}

ConnectionPool::Lease::~Lease() {
    if (origin_ != nullptr) pool_->release(*origin_, nullptr);
}

void ConnectionPool::Lease::keep() {
    pool_->release(*std::exchange(origin_, nullptr), std::move(connection));
}

ConnectionPool::Origin& ConnectionPool::origin_of(const Url& url) {
    auto& origins = parts_->origins;
    const std::string name = url.origin();
    auto found = origins.find(name);
    if (found == origins.end()) {
        if (origins.size() >= options_.origins_max) forget_oldest_idle_origin();
        found = origins.try_emplace(name).first;
    }
    found->second.last_used = steady_clock::now();
    return found->second;
}

awaitable<std::expected<ConnectionPool::Lease, ClientError>> ConnectionPool::acquire(
    const Url& url, SteadyTime deadline, Choice choice) {
    Origin& origin = origin_of(url);
    std::optional<Lease> lease;
    if (auto idle = take_idle(origin)) {
        lease.emplace(*this, origin);
        if (choice == Choice::Any) lease->connection = std::move(idle);
    } else if (origin.open < options_.connections_per_origin_max) {
        ++origin.open;
        lease.emplace(*this, origin);
    } else {
        Waiter waiter(origin, asio::steady_timer(loop_.context(), deadline));
        error_code woken;
        co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!waiter.turn)
            co_return std::unexpected(late(url, " has no free connection: it answers too slowly"));
        lease.emplace(std::move(*waiter.turn));
        if (choice == Choice::Fresh) lease->connection.reset();
    }
    if (!lease->connection) {
        auto opened = co_await open(url, deadline);
        if (!opened) co_return std::unexpected(std::move(opened.error()));
        lease->connection =
            std::make_unique<Connection>(std::move(*opened), options_.response_body_bytes_max);
    }
    co_return std::move(*lease);
}

std::unique_ptr<ConnectionPool::Connection> ConnectionPool::take_idle(Origin& origin) {
    const SteadyTime now = steady_clock::now();
    while (!origin.idle.empty()) {
        auto connection = std::move(origin.idle.back());
        origin.idle.pop_back();
        if (now - connection->idle_since < options_.idle_timeout && connection->channel->quiet())
            return connection;
        --origin.open;
    }
    return nullptr;
}

/// A lease has ended: its right, and its connection if that goes on, are the next caller's.
void ConnectionPool::release(Origin& origin, std::unique_ptr<Connection> connection) {
    if (!origin.waiting.empty()) {
        Waiter* const next = origin.waiting.front();
        origin.waiting.pop_front();
        next->turn.emplace(*this, origin);
        next->turn->connection = std::move(connection);
        next->timer.cancel();
    } else if (connection && origin.idle.size() < options_.idle_per_origin_max) {
        connection->idle_since = steady_clock::now();
        connection->channel->expires_at(SteadyTime::max());
        origin.idle.push_back(std::move(connection));
        sweep_later();
    } else {
        --origin.open;
    }
}

void ConnectionPool::sweep_later() {
    if (std::exchange(parts_->sweeping, true)) return;
    parts_->sweeper.expires_after(
        std::min<steady_clock::duration>(sweep_interval_max, options_.idle_timeout));
    parts_->sweeper.async_wait([weak = weak_from_this()](const error_code& stopped) {
        const auto self = weak.lock();
        if (self && !stopped) self->sweep();
    });
}

/// Closes what has been idle too long, or was closed by its server.
void ConnectionPool::sweep() {
    const SteadyTime now = steady_clock::now();
    bool any = false;
    for (auto& [name, origin] : parts_->origins) {
        const std::size_t gone = std::erase_if(origin.idle, [&](const auto& connection) {
            return now - connection->idle_since >= options_.idle_timeout ||
                   !connection->channel->quiet();
        });
        origin.open -= gone;
        any = any || !origin.idle.empty();
    }
    parts_->sweeping = false;
    if (any) sweep_later();
}

void ConnectionPool::forget_oldest_idle_origin() {
    auto& origins = parts_->origins;
    const auto oldest = std::ranges::min_element(origins, {}, [](const auto& entry) {
        return entry.second.unused() ? entry.second.last_used : SteadyTime::max();
    });
    if (oldest != origins.end() && oldest->second.unused()) origins.erase(oldest);
}

// The address that was checked is the one connected to: a name that answers differently the next
// time (DNS rebinding) gains nothing.
awaitable<std::expected<std::unique_ptr<Channel>, ClientError>> ConnectionPool::open(
    const Url& url, SteadyTime deadline) {
    auto addresses = co_await parts_->resolver.resolve(url.host, deadline);
    if (!addresses) {
        const auto& failure = addresses.error();
        if (failure.timed_out)
            co_return std::unexpected(late(url, ": its name was not resolved in time"));
        co_return std::unexpected(
            ClientError{ClientError::Kind::Resolve,
                        "the host " + url.host + " cannot be resolved: " + failure.reason, true});
    }
    const std::string refused = addresses->front();
    std::erase_if(*addresses, [&](const std::string& address) {
        return !allows(options_.egress, url.host, asio::ip::make_address(address));
    });
    if (addresses->empty()) {
        co_return std::unexpected(
            ClientError{ClientError::Kind::Refused,
                        "the egress policy refuses " + url.host + " (" + refused +
                            "): only public addresses may be called; allow the host or its "
                            "network if this is meant",
                        true});
    }
    ClientError error{};
    for (const auto& address : *addresses) {
        auto channel = co_await connect(url, address, deadline);
        if (channel) co_return channel;
        error = std::move(channel.error());
        if (error.kind != ClientError::Kind::Connect) break;
    }
    co_return std::unexpected(std::move(error));
}

awaitable<std::expected<std::unique_ptr<Channel>, ClientError>> ConnectionPool::connect(
    const Url& url, std::string address, SteadyTime deadline) {
    const SteadyTime until = std::min(deadline, steady_clock::now() + options_.connect_timeout);
    std::error_code failed;
    auto channel =
        co_await Channel::connect(loop_, parts_->watchdog, address, url.port, until, failed);
    if (failed == std::errc::timed_out && steady_clock::now() >= deadline)
        co_return std::unexpected(late(url, " did not accept a connection in time"));
    if (failed) {
        co_return std::unexpected(ClientError{
            ClientError::Kind::Connect,
            "cannot connect to " + url.origin() + " (" + address + "): " + failed.message(), true});
    }
    if (!url.tls) co_return channel;
    failed = co_await channel->handshake_as_client(*parts_->tls, url.host);
    if (!failed) co_return channel;
    if (channel->timed_out())
        co_return std::unexpected(late(url, " did not finish its TLS handshake in time"));
    co_return std::unexpected(ClientError{
        ClientError::Kind::Tls, "TLS with " + url.origin() + " failed: " + failed.message(), true});
}

std::size_t ConnectionPool::connections(std::string_view origin) const {
    const auto found = parts_->origins.find(origin);
    return found != parts_->origins.end() ? found->second.open : 0;
}

}  // namespace florin::http
