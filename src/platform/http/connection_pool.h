#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "platform/http/channel.h"
#include "platform/http/client.h"
#include "platform/http/readers.h"

namespace florin::http {

/// A client's connections: a bounded number to each origin, kept while idle, handed to callers in
/// the order they came. On one loop.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
public:
    ConnectionPool(runtime::Loop& loop, const ClientOptions& options);
    ~ConnectionPool();
    ConnectionPool(const ConnectionPool&) = delete;
    ConnectionPool& operator=(const ConnectionPool&) = delete;

    struct Connection {
        Connection(std::unique_ptr<Channel> opened, std::size_t body_bytes_max)
            : channel(std::move(opened)), reader(body_bytes_max, false) {}

        std::unique_ptr<Channel> channel;
        ResponseReader reader;
        std::string head;  // of the request under way
        SteadyTime idle_since{};
        bool used = false;  // it has carried an exchange: the server may close it at any time
    };
    struct Origin;

    /// The right to one connection to an origin, and the connection. Ends it when it dies, unless
    /// `keep` was called.
    class Lease {
    public:
        Lease(ConnectionPool& pool, Origin& origin) : pool_(&pool), origin_(&origin) {}
        Lease(Lease&& other) noexcept;
        Lease& operator=(Lease&&) = delete;
        Lease(const Lease&) = delete;
        ~Lease();

        /// Puts the connection back for the next exchange.
        void keep();

        std::unique_ptr<Connection> connection;

    private:
        friend class ConnectionPool;
        ConnectionPool* pool_;
        Origin* origin_;  // nullptr: given away
    };

    /// A fresh connection replaces one that turned out to be closed.
    enum class Choice : std::uint8_t { Any, Fresh };
    /// Waits for its turn, no longer than `deadline`. `url` must stay until it resumes.
    awaitable<std::expected<Lease, ClientError>> acquire(const Url& url, SteadyTime deadline,
                                                         Choice choice);

    [[nodiscard]] std::size_t connections(std::string_view origin) const;

private:
    struct Parts;
    struct Waiter;

    Origin& origin_of(const Url& url);
    std::unique_ptr<Connection> take_idle(Origin& origin);
    void release(Origin& origin, std::unique_ptr<Connection> connection);
    void sweep_later();
    void sweep();
    void forget_oldest_idle_origin();
    awaitable<std::expected<std::unique_ptr<Channel>, ClientError>> open(const Url& url,
                                                                         SteadyTime deadline);
    awaitable<std::expected<std::unique_ptr<Channel>, ClientError>> connect(const Url& url,
                                                                            std::string address,
                                                                            SteadyTime deadline);

    runtime::Loop& loop_;
    const ClientOptions& options_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::http
