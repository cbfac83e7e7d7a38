#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace florin::runtime {
class Loop;
}

namespace florin::loadgen {

/// One webhook as it arrived; views live for the call.
struct ArrivedWebhook {
    std::string_view body;
    std::string_view signature;  // X-Webhook-Signature
    std::string_view id;         // X-Webhook-Id
    std::string_view attempt;    // X-Webhook-Attempt
};

/// A receiver of webhooks that costs little enough to stand beside the server it measures: HTTP/1.1
/// with keep-alive and Content-Length only, 200 for everything. On one loop; loopback only.
class Receiver {
public:
    using OnWebhook = std::function<void(const ArrivedWebhook&)>;

    Receiver(runtime::Loop& loop, OnWebhook on_webhook);
    ~Receiver();

    /// Binds a free port of 127.0.0.1 and starts; returns the port.
    std::uint16_t listen();

    class Impl;

private:
    std::shared_ptr<Impl> impl_;  // shared with its connections
};

/// The next whole request at the start of `input`, if it is there: how many bytes it takes, and its
/// parts. 0: more has to arrive. -1: it is not a request this receiver takes.
std::ptrdiff_t parse_request(std::string_view input, ArrivedWebhook& webhook);

}  // namespace florin::loadgen
