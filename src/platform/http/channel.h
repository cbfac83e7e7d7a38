#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "platform/runtime/awaitable.h"

namespace boost::asio::ssl {
class context;
}
namespace florin::runtime {
class Loop;
}

namespace florin::http {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Ends the waits of many channels at their deadlines with one timer: setting a deadline is an
/// assignment, where a timer each would cost a heap operation and a posted handler per read. On one
/// loop; channels may outlive it.
class Watchdog {
public:
    explicit Watchdog(runtime::Loop& loop);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    class State;

private:
    friend class Channel;
    std::shared_ptr<State> state_;  // shared with its channels: they may end later
};

/// An open TCP connection, plain or with TLS, whose every wait ends at `expires_at`. On one loop;
/// one read and one write at a time. Errors are values; `end_of_stream` is the peer's orderly end.
class Channel {
public:
    struct Transfer {
        std::size_t size = 0;
        std::error_code failed;
    };
    struct Wire;

    Channel(Watchdog& watchdog, std::unique_ptr<Wire> wire);
    ~Channel();
    Channel(Channel&&) noexcept;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Connects to `address` (an IP literal). Empty and `failed` set when that is refused or lasts
    /// beyond `until` (`std::errc::timed_out`).
    static awaitable<std::unique_ptr<Channel>> connect(runtime::Loop& loop, Watchdog& watchdog,
                                                       std::string address, std::uint16_t port,
                                                       SteadyTime until, std::error_code& failed);

    /// Puts TLS on the connection, as its server.
    awaitable<std::error_code> handshake_as_server(boost::asio::ssl::context& tls);
    /// As its client: names `host` (SNI) and verifies that the certificate is the host's.
    awaitable<std::error_code> handshake_as_client(boost::asio::ssl::context& tls,
                                                   std::string host);

    awaitable<Transfer> read_some(std::span<char> into);
    /// Writes both texts, in order; they must stay until it resumes.
    awaitable<Transfer> write(std::string_view first, std::string_view second = {});

    /// When the waits of this channel end, the one under way too, with `timed_out()`.
    void expires_at(SteadyTime at);
    void expires_after(std::chrono::milliseconds duration) {
        expires_at(std::chrono::steady_clock::now() + duration);
    }
    [[nodiscard]] bool timed_out() const;

    /// Ends the wait under way and all later ones, as if their time had come.
    void cancel();
    void shutdown_send();
    /// False when the peer has closed an idle connection, or sent what nobody asked for.
    [[nodiscard]] bool quiet();
    /// The other side's address, without its port; empty when it is gone.
    [[nodiscard]] std::string peer() const;

    static bool is_end_of_stream(const std::error_code& failed);

private:
    std::shared_ptr<Watchdog::State> watchdog_;
    std::unique_ptr<Wire> wire_;
};

/// A listening socket.
class Listener {
public:
    explicit Listener(runtime::Loop& loop);
    ~Listener();

    enum class Sharing : std::uint8_t { Alone, WithOthers };  // SO_REUSEPORT
    /// The port, or why it cannot be listened on.
    std::error_code listen(const std::string& address, std::uint16_t port, Sharing sharing);
    [[nodiscard]] std::uint16_t port() const;

    /// The next connection, or empty when `failed` is set.
    awaitable<std::unique_ptr<Channel>> accept(Watchdog& watchdog, std::error_code& failed);
    void close();
    [[nodiscard]] bool open() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace florin::http
