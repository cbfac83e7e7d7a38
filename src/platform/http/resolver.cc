#include "platform/http/resolver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using boost::system::error_code;

namespace florin::http {
namespace {

constexpr std::chrono::seconds answer_lifetime{5};
constexpr std::size_t hosts_max = 4'096;

}  // namespace

class Resolver::Impl : public std::enable_shared_from_this<Resolver::Impl> {
public:
    explicit Impl(runtime::Loop& loop) : loop_(loop), resolver_(loop.context()) {}

    using Answer = std::expected<std::vector<std::string>, Failure>;

    awaitable<Answer> resolve(std::string host, SteadyTime until) {
        error_code not_literal;
        asio::ip::make_address(host, not_literal);
        if (!not_literal) co_return std::vector<std::string>{host};
        const SteadyTime now = std::chrono::steady_clock::now();
        if (!hosts_.contains(host) && hosts_.size() >= hosts_max) forget_one(now);
        Host& known = hosts_[host];
        if (known.good_until > now) co_return known.addresses;
        if (!known.looking_up) look_up(host, known);
        Waiter waiter{asio::steady_timer(loop_.context(), until), std::nullopt};
        known.waiting.push_back(&waiter);
        error_code woken;
        co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (waiter.answer) co_return std::move(*waiter.answer);
        std::erase(hosts_[host].waiting, &waiter);
        co_return std::unexpected(Failure{"no answer in time", true});
    }

private:
    struct Waiter {
        asio::steady_timer timer;  // ends the wait: at its time, or cancelled with the answer
        std::optional<Answer> answer;
    };
    struct Host {
        std::vector<std::string> addresses;
        SteadyTime good_until{};
        bool looking_up = false;
        std::vector<Waiter*> waiting;
    };

    void look_up(const std::string& host, Host& known) {
        known.looking_up = true;
        resolver_.async_resolve(
            host, "",
            [self = shared_from_this(), host](
                const error_code& failed, const asio::ip::tcp::resolver::results_type& results) {
                self->keep(host, failed, results);
            });
    }

    void keep(const std::string& host, const error_code& failed,
              const asio::ip::tcp::resolver::results_type& results) {
        Host& known = hosts_[host];
        known.looking_up = false;
        known.addresses.clear();
        for (const auto& result : results)
            known.addresses.push_back(result.endpoint().address().to_string());
        Answer answer = known.addresses;
        if (known.addresses.empty()) {
            // A failure is told to those who wait, and tried anew for those who come.
            answer =
                std::unexpected(Failure{failed ? failed.message() : "it has no address", false});
        } else {
            known.good_until = std::chrono::steady_clock::now() + answer_lifetime;
        }
        for (Waiter* waiter : std::exchange(known.waiting, {})) {
            waiter->answer = answer;
            waiter->timer.cancel();
        }
    }

    void forget_one(SteadyTime now) {
        const auto stale = std::ranges::find_if(hosts_, [&](const auto& entry) {
            const Host& host = entry.second;
            return host.good_until <= now && !host.looking_up && host.waiting.empty();
        });
        if (stale != hosts_.end()) hosts_.erase(stale);
    }

    runtime::Loop& loop_;
    asio::ip::tcp::resolver resolver_;
    std::map<std::string, Host, std::less<>> hosts_;
};

Resolver::Resolver(runtime::Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}
Resolver::~Resolver() = default;

awaitable<std::expected<std::vector<std::string>, Resolver::Failure>> Resolver::resolve(
    std::string host, SteadyTime until) {
    return impl_->resolve(std::move(host), until);
}

}  // namespace florin::http
