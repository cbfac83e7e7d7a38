#include "platform/grpc/health.h"

#include <algorithm>
#include <set>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proto/grpc/health/v1/health.pb.h"

namespace asio = boost::asio;

namespace florin::grpc {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

constexpr const char* service = "grpc.health.v1.Health";
constexpr std::chrono::milliseconds watch_interval{1'000};

/// Health of the table's services; lives as long as the table, and belongs to its loop.
struct HealthCheck {
    const Services* services;
    std::function<bool()> serving;
    std::vector<std::string> also;
    bool draining = false;
    std::set<asio::steady_timer*> watchers = {};  // each until it looks again

    void start_draining() {
        draining = true;
        for (auto* const watcher : watchers) watcher->cancel();
    }

    [[nodiscard]] bool knows(const std::string& name) const {
        if (name.empty() || std::ranges::find(also, name) != also.end()) return true;
        const auto all = services->names();
        return std::ranges::find(all, name) != all.end();
    }
    [[nodiscard]] HealthCheckResponse answer(const std::string& name) const {
        HealthCheckResponse response;
        response.set_status(!knows(name)             ? HealthCheckResponse::SERVICE_UNKNOWN
                            : draining || !serving() ? HealthCheckResponse::NOT_SERVING
                                                     : HealthCheckResponse::SERVING);
        return response;
    }
};

awaitable<Reply<HealthCheckResponse>> check(const HealthCheck& health,
                                            const HealthCheckRequest& request) {
    if (!health.knows(request.service())) {
        co_return std::unexpected(Status{Code::NotFound, "unknown service " + request.service()});
    }
    co_return health.answer(request.service());
}

awaitable<Status> watch(HealthCheck& health, Stream& stream) {
    const auto bytes = co_await stream.read();
    HealthCheckRequest request;
    if (!bytes || !request.ParseFromString(*bytes)) {
        co_return Status{Code::InvalidArgument, "bad request: Watch takes one HealthCheckRequest"};
    }
    asio::steady_timer timer(co_await asio::this_coro::executor);
    int last = -1;
    while (!stream.cancelled()) {
        const auto now = health.answer(request.service());
        if (now.status() != last && !co_await stream.write(now)) break;
        last = now.status();
        // Told, and nothing else will change here: the client watches another server from now on.
        if (health.draining) co_return Status{Code::Unavailable, "the server is shutting down"};
        timer.expires_after(watch_interval);
        health.watchers.insert(&timer);
        boost::system::error_code woken;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        health.watchers.erase(&timer);
    }
    co_return Status{Code::Cancelled, "the watch has ended"};
}

}  // namespace

void add_health(Services& services, std::function<bool()> serving, std::vector<std::string> also) {
    // Shared by the handlers and the notice, which the table owns.
    const auto health =
        std::make_shared<HealthCheck>(HealthCheck{&services, std::move(serving), std::move(also)});
    services.unary<HealthCheckRequest, HealthCheckResponse>(
        service, "Check",
        [health](Call&, const HealthCheckRequest& request) { return check(*health, request); });
    services.add(service, "Watch",
                 StreamHandler([health](Stream& stream) { return watch(*health, stream); }));
    services.when_draining([health] { health->start_draining(); });
}

}  // namespace florin::grpc
