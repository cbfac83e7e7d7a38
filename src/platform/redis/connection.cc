#include "platform/redis/connection.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/base/random.h"
#include "platform/http/resolver.h"
#include "platform/redis/reply_reader.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;

namespace florin::redis {
namespace {

using Kind = Failure::Kind;
using Clock = std::chrono::steady_clock;

constexpr std::size_t read_bytes = 16UL * 1024;
constexpr http::SteadyTime never = http::SteadyTime::max();

Answer answer_of(Reply reply) {
    if (reply.kind == Reply::Kind::Error)
        return std::unexpected(Failure{Kind::Refused, std::move(reply.text)});
    return reply;
}

/// Why Redis did not let us in, with what to do.
std::string explained(const std::string& error) {
    if (error.starts_with("NOAUTH"))
        return "it asks for a password; put one into REDIS_URL (" + error + ")";
    return "it answers " + error;
}

/// A server that does not know AUTH quotes what came with it, so only the error's first word is
/// told: this text goes into logs and /ready.
std::string refused_login(std::string_view error) {
    return "it refuses the user or password of REDIS_URL (AUTH: " +
           std::string(error.substr(0, error.find(' '))) + ")";
}

/// Whether an answer says that this server is not the one to ask: it has become a replica, or still
/// takes its data over. Who is stands behind the name, which a new connection looks up. Up to
/// version 6 the error of a script stands within a longer one.
bool serves_no_more(const Reply& reply) {
    const std::string_view error = reply.text;
    return reply.kind == Reply::Kind::Error &&
           (error.starts_with("READONLY ") || error.starts_with("MASTERDOWN ") ||
            error.starts_with("LOADING ") || error.find(": -READONLY ") != std::string_view::npos);
}

}  // namespace

awaitable<std::unique_ptr<http::Channel>> connect_to_one(runtime::Loop& loop,
                                                         http::Watchdog& watchdog,
                                                         std::vector<std::string> addresses,
                                                         std::uint16_t port, http::SteadyTime until,
                                                         std::error_code& failed) {
    failed = std::make_error_code(std::errc::host_unreachable);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const http::SteadyTime now = Clock::now();
        const auto share = (until - now) / static_cast<std::int64_t>(addresses.size() - i);
        auto channel = co_await http::Channel::connect(loop, watchdog, std::move(addresses[i]),
                                                       port, now + share, failed);
        if (!channel) continue;
        channel->expires_at(until);
        co_return channel;
    }
    co_return nullptr;
}

/// Who waits for an answer; lives in the waiting coroutine.
struct Connection::Caller {
    asio::steady_timer timer;  // ends the wait: at its time, or cancelled with the answer
    std::optional<Answer> answer;

    void give(Answer given) {
        answer = std::move(given);
        timer.cancel();
    }
};

/// An open connection. Shared by `run`, what is being sent and those who wait: each may end last.
struct Connection::Link {
    std::unique_ptr<http::Channel> channel;
    ReplyReader reader;
    std::string outgoing;
    bool sending = false;
    std::deque<Caller*> waiting;  // in the order of their commands; null: gave up
};

/// Opens connections. It lives in `run`: its timers and look-ups end with the loop.
class Connection::Opener {
public:
    Opener(runtime::Loop& loop, const ConnectionOptions& options, boost::asio::ssl::context* tls)
        : loop_(loop), options_(options), tls_(tls), watchdog_(loop), resolver_(loop) {}

    /// A connection that has answered, or why there is none.
    awaitable<std::expected<std::shared_ptr<Link>, std::string>> open() {
        const auto until = Clock::now() + options_.connect_timeout;
        auto addresses = co_await resolver_.resolve(options_.address.host, until);
        if (!addresses) {
            co_return std::unexpected("the name of its host cannot be looked up: " +
                                      addresses.error().reason);
        }
        std::error_code failed;
        auto link = std::make_shared<Link>();
        link->channel = co_await connect_to_one(loop_, watchdog_, std::move(*addresses),
                                                options_.address.port, until, failed);
        if (!link->channel) co_return std::unexpected(failed.message());
        if (tls_ != nullptr) {
            failed = co_await link->channel->handshake_as_client(*tls_, options_.address.host);
            if (failed) co_return std::unexpected("no TLS is possible: " + failed.message());
        }
        if (auto wrong = co_await log_in(*link); !wrong.empty()) co_return std::unexpected(wrong);
        link->channel->expires_at(never);
        co_return link;
    }

private:
    /// Says who we are and hears that it is Redis; what was wrong with that, or nothing.
    awaitable<std::string> log_in(Link& link) {
        std::string commands;
        std::size_t expected = 1;
        const Address& address = options_.address;
        const auto add = [&](const Command& command) {
            commands += command.bytes();
            ++expected;
        };
        bool authenticating = !address.password.empty();
        if (!address.user.empty()) {
            add({"AUTH", address.user, address.password});
        } else if (authenticating) {
            add({"AUTH", address.password});
        }
        if (address.database != 0) add({"SELECT", std::to_string(address.database)});
        commands += Command{"PING"}.bytes();
        const auto sent = co_await link.channel->write(commands);
        if (sent.failed) co_return sent.failed.message();
        for (; expected > 0; --expected) {
            std::string fault;
            const auto reply = co_await read_one(link, fault);
            if (!reply) co_return fault;
            if (reply->kind == Reply::Kind::Error)
                co_return authenticating ? refused_login(reply->text) : explained(reply->text);
            authenticating = false;  // its answer was the first one
            if (reply->kind != Reply::Kind::Status) co_return "what answers there is no Redis";
        }
        co_return "";
    }

    static awaitable<std::optional<Reply>> read_one(Link& link, std::string& fault) {
        std::array<char, 1'024> buffer;
        for (;;) {
            if (auto reply = link.reader.next()) co_return reply;
            fault = link.reader.broken();
            if (!fault.empty()) co_return std::nullopt;
            const auto got = co_await link.channel->read_some(buffer);
            if (got.failed) {
                fault =
                    link.channel->timed_out() ? "it does not answer in time" : got.failed.message();
                co_return std::nullopt;
            }
            link.reader.feed({buffer.data(), got.size});
        }
    }

    runtime::Loop& loop_;
    const ConnectionOptions& options_;
    boost::asio::ssl::context* const tls_;
    http::Watchdog watchdog_;
    http::Resolver resolver_;
};

Connection::Connection(runtime::Loop& loop, const ConnectionOptions& options,
                       boost::asio::ssl::context* tls, Health& health)
    : loop_(loop), options_(options), tls_(tls), health_(health) {}

Connection::~Connection() = default;

std::size_t Connection::under_way() const {
    const auto link = link_.lock();
    return link ? link->waiting.size() : 0;
}

awaitable<void> Connection::run() {
    Random random(seed_from_system());
    Opener opener(loop_, options_, tls_);
    for (int failures = 1;; ++failures) {
        auto link = co_await opener.open();
        if (link) {
            failures = 1;
            link_ = *link;
            health_.connected();
            const std::string reason = co_await serve(*link);
            link_.reset();
            for (Caller* caller : (*link)->waiting) {
                if (caller != nullptr) caller->give(std::unexpected(Failure{Kind::Broken, reason}));
            }
            health_.disconnected(reason);
        } else {
            health_.unreachable(link.error());
        }
        co_await runtime::sleep_for(limits::backoff(options_.reconnect, failures, random));
    }
}

// Hands out answers until the connection breaks; why it did.
awaitable<std::string> Connection::serve(std::shared_ptr<Link> link) {
    std::vector<char> buffer(read_bytes);
    for (;;) {
        const auto got = co_await link->channel->read_some(buffer);
        if (got.failed) {
            const bool closed = http::Channel::is_end_of_stream(got.failed);
            co_return closed             ? "it has closed the connection"
            : link->channel->timed_out() ? "it does not answer"
                                         : got.failed.message();
        }
        link->reader.feed({buffer.data(), got.size});
        while (auto reply = link->reader.next()) {
            if (link->waiting.empty()) co_return "it answered what nobody asked";
            Caller* const caller = link->waiting.front();
            link->waiting.pop_front();
            const std::string left = serves_no_more(*reply) ? "it answers " + reply->text : "";
            if (caller != nullptr) caller->give(answer_of(std::move(*reply)));
            if (!left.empty()) co_return left;
        }
        if (!link->reader.broken().empty()) co_return link->reader.broken();
        link->channel->expires_at(link->waiting.empty() ? never
                                                        : Clock::now() + options_.stall_timeout);
    }
}

awaitable<void> Connection::send_all(std::shared_ptr<Link> link) {
    while (!link->outgoing.empty()) {
        const std::string bytes = std::exchange(link->outgoing, {});
        const auto sent = co_await link->channel->write(bytes);
        if (!sent.failed) continue;
        link->channel->cancel();  // its reader tells those who wait
        break;
    }
    link->sending = false;
}

awaitable<Answer> Connection::call(Command command) {
    const auto link = link_.lock();
    if (!link) co_return std::unexpected(Failure{Kind::NotConnected, "no connection is open"});
    if (link->waiting.size() >= options_.commands_max)
        co_return std::unexpected(Failure{Kind::Busy, "too many commands are under way"});
    Caller caller{asio::steady_timer(loop_.context(), options_.command_timeout), std::nullopt};
    if (link->waiting.empty()) link->channel->expires_at(Clock::now() + options_.stall_timeout);
    link->waiting.push_back(&caller);
    struct Leaving {
        Link& link;
        Caller& caller;
        ~Leaving() {
            if (!caller.answer)
                std::ranges::replace(link.waiting, &caller, static_cast<Caller*>(nullptr));
        }
    } const leaving{*link, caller};
    link->outgoing += command.bytes();
    if (!link->sending) {
        link->sending = true;
        runtime::spawn(loop_, "sending to redis", send_all(link));
    }
    boost::system::error_code woken;
    co_await caller.timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (caller.answer) co_return std::move(*caller.answer);
    co_return std::unexpected(Failure{Kind::TimedOut, "it did not answer in time"});
}

}  // namespace florin::redis
