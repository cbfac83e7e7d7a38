#include "gateway/webhooks/signature.h"

#include <algorithm>

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

bool verify_standard_webhook_signature(std::string_view secret, std::string_view id,
                                       std::int64_t timestamp_s, std::string_view body,
                                       std::string_view header) {
    const std::string right = standard_webhook_signature(secret, id, timestamp_s, body);
    bool found = false;
    while (!header.empty()) {
        const std::string_view one = header.substr(0, header.find(' '));
        header.remove_prefix(std::min(one.size() + 1, header.size()));
        found = crypto::equal_constant_time(right, one) || found;
    }
    return found;
}

// Compared without subtracting: a hostile timestamp may be as far away as an integer goes.
bool fresh_webhook_timestamp(std::int64_t timestamp_s, Instant now) {
    const std::int64_t now_s = unix_seconds(now);
    return timestamp_s >= now_s - replay_window_s && timestamp_s <= now_s + replay_window_s;
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
