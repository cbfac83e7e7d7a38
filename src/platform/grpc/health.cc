#include "platform/grpc/health.h"

#include <algorithm>

#include "platform/runtime/loop.h"
#include "proto/grpc/health/v1/health.pb.h"

namespace florin::grpc {
namespace {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

constexpr const char* service = "grpc.health.v1.Health";
constexpr std::chrono::milliseconds watch_interval{1'000};

/// Health of the table's services; lives as long as the table.
struct HealthCheck {
    const Services* services;
    std::function<bool()> serving;

    [[nodiscard]] bool knows(const std::string& name) const {
        if (name.empty()) return true;
        const auto all = services->names();
        return std::ranges::find(all, name) != all.end();
    }
    [[nodiscard]] HealthCheckResponse answer(const std::string& name) const {
        HealthCheckResponse response;
        response.set_status(!knows(name) ? HealthCheckResponse::SERVICE_UNKNOWN
                            : serving()  ? HealthCheckResponse::SERVING
                                         : HealthCheckResponse::NOT_SERVING);
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

awaitable<Status> watch(const HealthCheck& health, Stream& stream) {
    const auto bytes = co_await stream.read();
    HealthCheckRequest request;
    if (!bytes || !request.ParseFromString(*bytes)) {
        co_return Status{Code::InvalidArgument, "bad request: Watch takes one HealthCheckRequest"};
    }
    int last = -1;
    while (!stream.cancelled()) {
        const auto now = health.answer(request.service());
        if (now.status() != last && !co_await stream.write(now)) break;
        last = now.status();
        co_await runtime::sleep_for(watch_interval);
    }
    co_return Status{Code::Cancelled, "the watch has ended"};
}

}  // namespace

void add_health(Services& services, std::function<bool()> serving) {
    // Shared by the two methods' handlers, which the table owns.
    const auto health =
        std::make_shared<const HealthCheck>(HealthCheck{&services, std::move(serving)});
    services.unary<HealthCheckRequest, HealthCheckResponse>(
        service, "Check",
        [health](Call&, const HealthCheckRequest& request) { return check(*health, request); });
    services.add(service, "Watch",
                 StreamHandler([health](Stream& stream) { return watch(*health, stream); }));
}

}  // namespace florin::grpc
