#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/tools.h"
#include "gateway/webhooks/signature.h"
#include "platform/crypto/hmac.h"
#include "platform/http/server.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/metrics.h"

namespace florin::app {
namespace {

std::string read_all(std::istream& in) {
    return {std::istreambuf_iterator<char>(in), {}};
}

std::int64_t timestamp_of(const std::string& body) {
    boost::json::error_code malformed;
    const auto parsed = boost::json::parse(body, malformed);
    if (malformed || !parsed.is_object()) return -1;
    const auto* timestamp = parsed.as_object().if_contains("timestamp");
    return timestamp != nullptr && timestamp->is_int64() ? timestamp->as_int64() : -1;
}

/// Why the signature is not the body's; empty when it is.
std::string wrong_signature(const VerifyOptions& options, const std::string& body) {
    if (!options.signature.starts_with("sha256=") && !options.signature.starts_with("v1,")) {
        return "the signature begins neither with \"sha256=\" (X-Webhook-Signature) nor with "
               "\"v1,\" (webhook-signature)";
    }
    if (options.signature.starts_with("v1,")) {
        if (options.id.empty() || options.timestamp.empty())
            return "webhook-signature needs --id and --timestamp";
        const auto stamped = std::strtoll(options.timestamp.c_str(), nullptr, 10);
        const auto right =
            gateway::standard_webhook_signature(options.secret, options.id, stamped, body);
        return crypto::equal_constant_time(right, options.signature)
                   ? ""
                   : "webhook-signature is not that of this id, timestamp and body";
    }
    if (gateway::verify_webhook_signature(options.secret, body, options.signature)) return "";
    std::string trimmed = body;
    while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == '\r'))
        trimmed.pop_back();
    if (trimmed != body &&
        gateway::verify_webhook_signature(options.secret, trimmed, options.signature)) {
        return "the signature is that of the body without its last line break: hash the raw bytes "
               "as they arrived";
    }
    boost::json::error_code malformed;
    const auto parsed = boost::json::parse(body, malformed);
    if (!malformed && gateway::verify_webhook_signature(
                          options.secret, boost::json::serialize(parsed), options.signature)) {
        return "the signature is that of the compact JSON: hash the raw bytes, not a re-encoded "
               "body";
    }
    if (gateway::verify_webhook_signature("payment-sim-dev-secret", body, options.signature)) {
        return "the signature was made with the default secret payment-sim-dev-secret, not with "
               "yours";
    }
    return "the signature does not belong to this body and secret";
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

int run_webhook_verify(const VerifyOptions& options) {
    std::string body;
    if (options.body_file.empty() || options.body_file == "-") {
        body = read_all(std::cin);
    } else {
        std::ifstream file(options.body_file, std::ios::binary);
        if (!file) throw std::runtime_error("cannot read " + options.body_file);
        body = read_all(file);
    }
    const std::string wrong = wrong_signature(options, body);
    fmt::print("signature  {}\n", wrong.empty() ? "ok" : "WRONG: " + wrong);
    const Instant now = options.at_s > 0 ? Instant(Seconds(options.at_s)) : SystemClock().now();
    const std::int64_t stamped = timestamp_of(body);
    const bool fresh = stamped >= 0 && gateway::fresh_webhook_timestamp(stamped, now);
    if (stamped < 0) {
        fmt::print("timestamp  MISSING: the body has no whole number under \"timestamp\"\n");
    } else {
        fmt::print("timestamp  {}: {} s {} (300 are allowed)\n", fresh ? "ok" : "STALE",
                   std::llabs(unix_seconds(now) - stamped),
                   stamped <= unix_seconds(now) ? "old" : "in the future");
    }
    return wrong.empty() && fresh ? 0 : 1;
}

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
