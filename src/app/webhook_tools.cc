#include <cstdio>
#include <map>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/tools.h"
#include "gateway/webhooks/signature.h"
#include "platform/http/server.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/metrics.h"

namespace florin::app {
namespace {

std::int64_t timestamp_of(const std::string& body) {
    boost::json::error_code malformed;
    const auto parsed = boost::json::parse(body, malformed);
    if (malformed || !parsed.is_object()) return -1;
    const auto* timestamp = parsed.as_object().if_contains("timestamp");
    return timestamp != nullptr && timestamp->is_int64() ? timestamp->as_int64() : -1;
}

/// What `listen` does with each request.
class Listener {
public:
    explicit Listener(const ListenOptions& options) : options_(options) {}

    awaitable<http::Response> receive(http::Request request) {
        const std::string id(request.headers.get("X-Webhook-Id"));
        const std::string attempt(request.headers.get("X-Webhook-Attempt"));
        const auto now = SystemClock().now();
        ++received_;
        const unsigned seen = ++attempts_[id];
        const bool fail = seen <= options_.fail_first;
        const unsigned status = fail ? 500 : options_.status;
        const bool duplicate = !fail && status < 300 && !accepted_.insert(id).second;
        const bool signed_right =
            options_.secret.empty() ||
            gateway::verify_webhook_signature(options_.secret, request.body,
                                              request.headers.get("X-Webhook-Signature"));
        if (!signed_right) ++wrong_;
        const bool fresh = gateway::fresh_webhook_timestamp(timestamp_of(request.body), now);
        fmt::print(
            "{}  attempt {}  signature {}{}{}  -> {}\n  {}\n", id.empty() ? "(no id)" : id, attempt,
            options_.secret.empty() ? "not checked"
            : signed_right          ? "ok"
                                    : "WRONG",
            fresh ? "" : "  STALE timestamp", duplicate ? "  DUPLICATE" : "", status, request.body);
        std::fflush(stdout);
        if (options_.delay_ms > 0)
            co_await runtime::sleep_for(std::chrono::milliseconds(options_.delay_ms));
        co_return http::json(status, "{}");
    }

    void summary() const {
        fmt::print("{} requests, {} webhooks accepted, {} with a wrong signature\n", received_,
                   accepted_.size(), wrong_);
    }

private:
    const ListenOptions& options_;
    std::map<std::string, unsigned> attempts_;
    std::set<std::string> accepted_;
    unsigned received_ = 0;
    unsigned wrong_ = 0;
};

}  // namespace

int run_webhook_listen(const ListenOptions& options) {
    runtime::Loop loop("listen");
    telemetry::Metrics metrics;
    Listener listener(options);
    http::Router router;
    router.set_fallback(
        [&listener](http::Request request) { return listener.receive(std::move(request)); });
    http::Server server(loop, router,
                        {.name = "listen",
                         .address = options.address,
                         .port = options.port,
                         .share_port = false,
                         .limits = {},
                         .tls = nullptr},
                        metrics);
    const auto port = server.listen();
    fmt::print("waiting for webhooks at http://{}:{}/ (any path); Ctrl-C ends\n", options.address,
               port);
    std::fflush(stdout);
    boost::asio::signal_set signals(loop.context(), SIGINT, SIGTERM);
    signals.async_wait([&loop](const boost::system::error_code&, int) { loop.stop(); });
    loop.run();
    listener.summary();
    return 0;
}

}  // namespace florin::app
