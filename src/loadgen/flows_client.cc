#include "loadgen/flows_client.h"

#include "platform/http/client.h"

namespace florin::loadgen {
namespace {

constexpr std::size_t answer_bytes_max = 16 << 20;

http::ClientOptions client_options(std::size_t connections) {
    http::ClientOptions options;
    options.connections_per_origin_max = connections;
    options.idle_per_origin_max = connections;
    options.response_body_bytes_max = answer_bytes_max;
    return options;
}

}  // namespace

class FlowClient::Impl {
public:
    Impl(runtime::Loop& loop, std::string host, std::uint16_t port, std::size_t connections,
         std::chrono::milliseconds patience)
        : client_(loop, client_options(connections)), patience_(patience) {
        base_.host = std::move(host);
        base_.port = port;
    }

    awaitable<Result> send(http::ClientRequest request, std::string target) {
        request.url = base_;
        request.url.target = std::move(target);
        request.deadline = patience_;
        auto answer = co_await client_.send(std::move(request));
        if (!answer)
            co_return std::unexpected(FlowFault{answer.error().text, answer.error().unsent});
        co_return FlowAnswer{answer->status, answer->headers.get("Idempotent-Replayed") == "true",
                             std::move(answer->body)};
    }

private:
    http::Client client_;
    http::Url base_;
    std::chrono::milliseconds patience_;
};

FlowClient::FlowClient(runtime::Loop& loop, std::string host, std::uint16_t port,
                       std::size_t connections, std::chrono::milliseconds patience)
    : impl_(std::make_unique<Impl>(loop, std::move(host), port, connections, patience)) {}

FlowClient::~FlowClient() = default;

awaitable<FlowClient::Result> FlowClient::post(FlowRequest request) {
    http::ClientRequest call;
    call.headers.add("Content-Type", "application/json");
    call.headers.add("Idempotency-Key", std::move(request.key));
    call.body = std::move(request.body);
    co_return co_await impl_->send(std::move(call), std::move(request.target));
}

awaitable<FlowClient::Result> FlowClient::get(std::string target) {
    http::ClientRequest call;
    call.method = "GET";
    co_return co_await impl_->send(std::move(call), std::move(target));
}

}  // namespace florin::loadgen
