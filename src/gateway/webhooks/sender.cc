#include "gateway/webhooks/sender.h"

#include "gateway/payment_intent.h"
#include "gateway/webhooks/signature.h"
#include "platform/http/client.h"
#include "platform/telemetry/trace.h"

namespace florin::gateway {
namespace {

/// Differs from attempt to attempt: the random bits of the delivery's id, and the attempt's number.
std::uint64_t span_entropy(const WebhookDelivery& delivery, int attempt) {
    std::uint64_t bits = 0;
    for (std::size_t i = 8; i < 16; ++i) bits = bits << 8U | delivery.id.bytes[i];
    return bits + static_cast<std::uint64_t>(attempt);
}

http::Headers headers_of(const WebhookDelivery& delivery, int attempt) {
    const std::string id = delivery.id.text();
    http::Headers headers{{"Content-Type", "application/json"},
                          {"User-Agent", "PaymentSim/1.0"},
                          {"X-Webhook-Id", id},
                          {"X-Webhook-Attempt", std::to_string(attempt)},
                          {"webhook-id", id}};
    if (delivery.simulated) headers.add("X-Webhook-Simulated", "true");
    if (!delivery.trace_id.empty()) headers.add("X-Correlation-ID", delivery.trace_id);
    const auto traceparent =
        telemetry::traceparent_of(delivery.trace_id, span_entropy(delivery, attempt));
    if (!traceparent.empty()) headers.add("traceparent", traceparent);
    return headers;
}

}  // namespace

HttpWebhookSender::HttpWebhookSender(http::Client& client, const Clock& clock, std::string secret,
                                     std::chrono::milliseconds attempt_timeout)
    : client_(client),
      clock_(clock),
      secret_(std::move(secret)),
      attempt_timeout_(attempt_timeout) {}

awaitable<SendResult> HttpWebhookSender::send(WebhookDelivery delivery, int attempt) {
    const auto url = http::parse_url(delivery.url);
    if (!url) co_return SendResult{0, "the webhook_url " + url.error(), "", true, {}};
    const Instant start = clock_.now();
    const std::int64_t now_s = unix_seconds(start);
    http::ClientRequest request{"POST", *url, headers_of(delivery, attempt), "", attempt_timeout_};
    const std::string payment_id = wire_id(delivery.intent);
    request.body = webhook_json({payment_id, delivery.reservation_id,
                                 name_of(static_cast<PaymentState>(delivery.payment_status)),
                                 delivery.amount.minor, delivery.amount.currency.code(), now_s});
    request.headers.add("webhook-timestamp", std::to_string(now_s));
    if (!secret_.empty()) {
        request.headers.add("X-Webhook-Signature", webhook_signature(secret_, request.body));
        request.headers.add(
            "webhook-signature",
            standard_webhook_signature(secret_, delivery.id.text(), now_s, request.body));
    }
    const auto answer = co_await client_.send(std::move(request));
    const auto took = std::chrono::duration_cast<Milliseconds>(clock_.now() - start);
    if (!answer) {
        co_return SendResult{0, answer.error().text, "",
                             answer.error().kind == http::ClientError::Kind::Refused, took};
    }
    SendResult result{static_cast<int>(answer->status), "",
                      std::string(answer->headers.get("Retry-After")), false, took};
    if (!result.delivered())
        result.error = "the receiver answered " + std::to_string(answer->status);
    co_return result;
}

}  // namespace florin::gateway
