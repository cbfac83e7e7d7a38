#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/aws/client.h"
#include "platform/http/client.h"
#include "platform/http/server.h"
#include "platform/runtime/loop.h"
#include "platform/store/store_test_support.h"
#include "platform/telemetry/metrics.h"

namespace florin::aws::testing {

/// An HTTP endpoint in this process whose answers a test writes, on the test's loop.
class FakeEndpoint {
public:
    using Answer = std::function<http::Response(const http::Request&)>;

    explicit FakeEndpoint(runtime::Loop& loop) : server_(loop, router_, options(), metrics_) {
        router_.set_fallback([this](http::Request request) { return serve(std::move(request)); });
        port_ = server_.listen();
    }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

    /// Gives each request its answer. Without it: 200 and `{}`.
    Answer answer;
    /// While it says true, requests wait for their answer.
    std::function<bool(const http::Request&)> holds;
    std::vector<http::Request> requests;  // in the order they came

    [[nodiscard]] std::size_t count(std::string_view target) const {
        std::size_t found = 0;
        for (const auto& request : requests)
            found += request.headers.get("X-Amz-Target") == target ? 1 : 0;
        return found;
    }

private:
    static http::ServerOptions options() {
        http::ServerOptions options;
        options.address = "127.0.0.1";
        options.share_port = false;
        return options;
    }

    awaitable<http::Response> serve(http::Request request) {
        requests.push_back(request);
        while (holds && holds(request)) co_await runtime::sleep_for(Milliseconds(1));
        co_return answer ? answer(request) : http::json(200, "{}");
    }

    telemetry::Metrics metrics_;
    http::Router router_;
    http::Server server_;
    std::uint16_t port_ = 0;
};

/// A failure as AWS's JSON protocols tell it.
inline http::Response refusal(unsigned status, const std::string& code,
                              const std::string& message = "said the fake") {
    return http::json(status, R"({"__type":"com.amazon.coral.service#)" + code +
                                  R"(","message":")" + message + R"("})");
}

/// Credentials that a test replaces; it counts how often they were thrown away.
class FixedCredentials final : public CredentialSource {
public:
    awaitable<std::expected<Credentials, std::string>> get() override {
        ++asked;
        if (!problem.empty()) co_return std::unexpected(problem);
        co_return credentials;
    }
    void forget() override {
        ++forgotten;
        credentials.session_token += "+";
    }

    Credentials credentials{
        .access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret", .session_token = ""};
    std::string problem;
    int asked = 0;
    int forgotten = 0;
};

}  // namespace florin::aws::testing
