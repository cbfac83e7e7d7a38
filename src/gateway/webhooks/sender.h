#pragma once

#include <chrono>
#include <string>

#include "gateway/webhooks/delivery.h"
#include "gateway/webhooks/retry.h"
#include "platform/runtime/awaitable.h"

namespace florin::http {
class Client;
}

namespace florin::gateway {

/// Port: carries one attempt of a delivery to its receiver. On one loop; ends by its own deadline
/// and reports every failure as a result.
class WebhookSender {
public:
    virtual ~WebhookSender() = default;
    /// `attempt` counts from 1. The body is stamped and signed anew for each attempt.
    virtual awaitable<SendResult> send(WebhookDelivery delivery, int attempt) = 0;
};

/// Sends over HTTP, with the contract's body and headers and those of Standard Webhooks.
class HttpWebhookSender final : public WebhookSender {
public:
    /// An empty `secret` leaves the signatures out.
    HttpWebhookSender(http::Client& client, const Clock& clock, std::string secret,
                      std::chrono::milliseconds attempt_timeout);

    awaitable<SendResult> send(WebhookDelivery delivery, int attempt) override;

private:
    http::Client& client_;
    const Clock& clock_;
    const std::string secret_;
    const std::chrono::milliseconds attempt_timeout_;
};

}  // namespace florin::gateway
