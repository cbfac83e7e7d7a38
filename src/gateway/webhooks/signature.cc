#include "gateway/webhooks/signature.h"

#include <cstdlib>

#include "platform/base/json_text.h"
#include "platform/crypto/hmac.h"

namespace florin::gateway {
namespace {

constexpr std::int64_t replay_window_s = 300;

}  // namespace

std::string webhook_signature(std::string_view secret, std::string_view body) {
    return "sha256=" + crypto::hex(crypto::hmac_sha256(secret, {body}));
}

std::string standard_webhook_signature(std::string_view secret, std::string_view id,
                                       std::int64_t timestamp_s, std::string_view body) {
    return "v1," + crypto::base64(crypto::hmac_sha256(
                       secret, {id, ".", std::to_string(timestamp_s), ".", body}));
}

bool verify_webhook_signature(std::string_view secret, std::string_view body,
                              std::string_view header) {
    return crypto::equal_constant_time(webhook_signature(secret, body), header);
}

bool fresh_webhook_timestamp(std::int64_t timestamp_s, Instant now) {
    return std::llabs(unix_seconds(now) - timestamp_s) <= replay_window_s;
}

std::string webhook_json(const WebhookBody& body) {
    std::string json;
    json.reserve(224 + body.reservation_id.size());
    json += R"({"payment_id":")";
    json += body.payment_id;
    json += R"(","reservation_id":)";
    append_json_string(json, body.reservation_id);
    json += R"(,"status":")";
    json += body.status;
    json += R"(","amount":)";
    json += std::to_string(body.amount);
    json += R"(,"currency":")";
    json += body.currency;
    json += R"(","timestamp":)";
    json += std::to_string(body.timestamp_s);
    json += R"(,"event_type":"payment.status_updated"})";
    return json;
}

}  // namespace florin::gateway
