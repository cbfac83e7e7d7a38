#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/time.h"

namespace florin::gateway {

/// The value of X-Webhook-Signature: "sha256=" and the hex HMAC-SHA256 of the raw body.
std::string webhook_signature(std::string_view secret, std::string_view body);

/// The value of the Standard Webhooks header `webhook-signature`: "v1," and the Base64 HMAC-SHA256
/// of "id.timestamp.body" under the same secret's bytes (standardwebhooks.com, "Signature scheme").
std::string standard_webhook_signature(std::string_view secret, std::string_view id,
                                       std::int64_t timestamp_s, std::string_view body);

/// Compares in constant time.
bool verify_webhook_signature(std::string_view secret, std::string_view body,
                              std::string_view header);

/// Whether one of the signatures of a `webhook-signature` header is ours: it is a list with spaces
/// in between, so that a sender can sign with the old and the new secret while they change over.
/// What is not of version "v1" is passed over, as the specification asks. Compares in constant
/// time.
bool verify_standard_webhook_signature(std::string_view secret, std::string_view id,
                                       std::int64_t timestamp_s, std::string_view body,
                                       std::string_view header);

/// The receiver's replay rule: the signed timestamp is within ±5 minutes of now.
bool fresh_webhook_timestamp(std::int64_t timestamp_s, Instant now);

/// What a webhook says; the body's keys and their order are the contract's.
struct WebhookBody {
    std::string_view payment_id;  // "pay-<uuid>"
    std::string_view reservation_id;
    std::string_view status;  // "PAYMENT_STATUS_COMPLETED"
    std::int64_t amount = 0;
    std::string_view currency;
    std::int64_t timestamp_s = 0;  // when this attempt is sent
};
std::string webhook_json(const WebhookBody& body);

}  // namespace florin::gateway
