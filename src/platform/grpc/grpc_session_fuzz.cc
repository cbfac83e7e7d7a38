// Any bytes a client could send, to a session with a small echo service, without sockets.
#include <cstddef>
#include <cstdint>
#include <string>

#include "platform/base/require.h"
#include "platform/grpc/server_session.h"
#include "platform/runtime/loop.h"
#include "proto/grpc/health/v1/health.pb.h"

namespace florin::grpc {
namespace {

class FuzzHost final : public SessionHost {
public:
    explicit FuzzHost(runtime::Loop& loop) : loop_(loop) {}
    void start(awaitable<void> handler) override {
        runtime::spawn(loop_, "fuzzed call", std::move(handler));
    }
    void output_ready() override {}
    void sweep_at(SteadyTime /*at*/) override {}

private:
    runtime::Loop& loop_;
};

awaitable<Status> echo(Call& call, std::string_view request, std::string& answer) {
    answer.append(request).append(call.metadata("x-thing-bin")).append(call.trace_id());
    co_return Status{};
}

awaitable<Status> echo_stream(Stream& stream) {
    while (const auto bytes = co_await stream.read()) {
        ::grpc::health::v1::HealthCheckRequest message;
        if (!message.ParseFromString(*bytes)) co_return Status{Code::InvalidArgument, *bytes};
        if (!co_await stream.write(message)) break;
    }
    co_return Status{};
}

/// What every input shares.
struct World {
    World() : loop("fuzz"), metrics(registry, with_echo()) {
        limits.request_message_bytes_max = 64 * 1024;
    }
    const Services& with_echo() {
        services.add("t.E", "U", UnaryHandler(echo));
        services.add("t.E", "S", StreamHandler(echo_stream));
        return services;
    }

    runtime::Loop loop;
    Services services;
    ServerLimits limits;
    telemetry::Metrics registry;
    ServerMetrics metrics;
};

// The first byte says how the rest is cut: whole, or in pieces of that many bytes.
awaitable<void> feed(World& world, std::string input) {
    FuzzHost host(world.loop);
    {
        ServerSession session(world.services, world.limits, world.metrics, host, "fuzz");
        auto now = std::chrono::steady_clock::now();
        const auto piece = input.empty() ? 1U : static_cast<std::uint8_t>(input[0]);
        std::string_view rest = std::string_view(input).substr(input.empty() ? 0 : 1);
        bool alive = true;
        while (alive && !rest.empty()) {
            const auto size = piece == 0 ? rest.size() : std::min<std::size_t>(piece, rest.size());
            session.receive(rest.substr(0, size), now);
            rest.remove_prefix(size);
            std::string output;
            alive = session.take_output(output, 1'024 * 1'024) && session.abuse() == nullptr &&
                    !session.finished();
        }
        co_await runtime::sleep_for(std::chrono::microseconds(1));  // handlers that were woken
        now += world.limits.call_deadline_max + std::chrono::seconds(1);
        session.sweep(now);
        std::string output;
        session.take_output(output, 1'024 * 1'024);
        session.announce_shutdown(true);
    }
    // Handlers hear that their client is gone, and end.
    while (runtime::live_tasks() > 0) co_await runtime::sleep_for(std::chrono::microseconds(1));
}

}  // namespace
}  // namespace florin::grpc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static florin::grpc::World world;
    florin::runtime::run_until_done(
        world.loop,
        florin::grpc::feed(world, std::string(reinterpret_cast<const char*>(data), size)));
    return 0;
}
