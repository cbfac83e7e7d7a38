#include "platform/grpc/test_server.h"

#include "platform/base/faults.h"
#include "proto/grpc/health/v1/health.pb.h"

namespace florin::grpc {
namespace {

std::atomic<int> cancelled_waits = 0;

awaitable<Status> echo(Call& /*call*/, std::string_view request, std::string& answer) {
    answer.append(request);
    co_return Status{};
}

awaitable<Status> fail(Call& /*call*/, std::string_view request, std::string& /*answer*/) {
    co_return Status{Code::NotFound, std::string(request)};
}

awaitable<Status> throw_by_name(Call& /*call*/, std::string_view request, std::string& /*answer*/) {
    if (request == "overloaded") throw Overloaded("the queue is full");
    if (request == "unavailable") throw Unavailable("disk full");
    throw std::runtime_error("a secret of the inside");
    co_return Status{};
}

awaitable<Status> wait_for_cancellation(Call& call, std::string_view /*request*/,
                                        std::string& /*answer*/) {
    while (!call.cancelled()) co_await runtime::sleep_for(std::chrono::milliseconds(1));
    ++cancelled_waits;
    co_return Status{};
}

awaitable<Status> give_metadata(Call& call, std::string_view /*request*/, std::string& answer) {
    answer.append(call.metadata("x-thing-bin"));
    co_return Status{};
}

awaitable<Status> echo_stream(Stream& stream) {
    while (const auto bytes = co_await stream.read()) {
        ::grpc::health::v1::HealthCheckRequest message;
        if (!message.ParseFromString(*bytes)) co_return Status{Code::InvalidArgument, "no message"};
        if (!co_await stream.write(message)) break;
    }
    co_return Status{};
}

}  // namespace

void add_echo(Services& services) {
    services.add("test.Echo", "Unary", UnaryHandler(echo));
    services.add("test.Echo", "Fail", UnaryHandler(fail));
    services.add("test.Echo", "Throw", UnaryHandler(throw_by_name));
    services.add("test.Echo", "Wait", UnaryHandler(wait_for_cancellation));
    services.add("test.Echo", "Metadata", UnaryHandler(give_metadata));
    services.add("test.Echo", "Bidi", StreamHandler(echo_stream));
}

int waits_cancelled() {
    return cancelled_waits;
}

bool eventually(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::yield();
    }
    return true;
}

TestServer::TestServer(ServerLimits limits)
    : TestServer(ServerOptions{.address = "127.0.0.1", .limits = limits}) {}

TestServer::TestServer(ServerOptions options) : loop_("test") {
    add_echo(services_);
    services_.add("test.Echo", "Hold",
                  UnaryHandler([this](Call&, std::string_view request, std::string& answer) {
                      return hold(std::string(request), answer);
                  }));
    add_health(services_, [this] { return serving.load(); });
    add_reflection(services_);
    server_.emplace(loop_, services_, std::move(options), metrics_);
    port_ = server_->listen();
    thread_ = std::thread([this] { loop_.run(); });
}

TestServer::~TestServer() {
    if (thread_.joinable()) destroy();
}

void TestServer::destroy() {
    loop_.post([this] {
        server_.reset();
        loop_.stop();
    });
    thread_.join();
}

void TestServer::drain() {
    runtime::spawn(loop_, "drain", drain_and_note());
}

awaitable<void> TestServer::drain_and_note() {
    co_await server_->drain(std::chrono::seconds(10));
    drained_ = true;
}

awaitable<Status> TestServer::hold(std::string request, std::string& answer) {
    while (holding) co_await runtime::sleep_for(std::chrono::milliseconds(1));
    answer.append(request);
    co_return Status{};
}

bool TestServer::ended(const std::string& reason) const {
    return has_metric("florin_grpc_connections_ended_total{reason=\"" + reason + "\"} 1");
}

bool TestServer::started(const std::string& method, int calls) const {
    const std::string line = "grpc_server_started_total{grpc_method=\"" + method +
                             "\",grpc_service=\"test.Echo\",grpc_type=\"unary\"} ";
    return eventually([&] { return has_metric(line + std::to_string(calls) + "\n"); });
}

bool TestServer::has_metric(const std::string& line) const {
    return metrics_.scrape().find(line) != std::string::npos;
}

}  // namespace florin::grpc
