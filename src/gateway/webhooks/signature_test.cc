#include "gateway/webhooks/signature.h"

#include <limits>

#include <gtest/gtest.h>

namespace florin::gateway {
namespace {

const WebhookBody example{"pay-uuid-123", "rsv-123", "PAYMENT_STATUS_COMPLETED",
                          100'000,        "KRW",     1'234'567'890};
constexpr const char* example_json =
    R"({"payment_id":"pay-uuid-123","reservation_id":"rsv-123","status":"PAYMENT_STATUS_COMPLETED",)"
    R"("amount":100000,"currency":"KRW","timestamp":1234567890,"event_type":"payment.status_updated"})";

TEST(WebhookBody, HasTheContractsKeysInTheContractsOrder) {
    EXPECT_EQ(webhook_json(example), example_json);
    EXPECT_EQ(webhook_json(example).size(), 186U);
}

TEST(WebhookBody, EscapesWhatClientsSent) {
    WebhookBody body = example;
    body.reservation_id = "a\"b\\c\n한";
    EXPECT_NE(webhook_json(body).find(R"("reservation_id":"a\"b\\c\u000a한")"), std::string::npos);
}

TEST(WebhookSignature, MatchesTheContractsVectors) {
    EXPECT_EQ(webhook_signature("payment-sim-dev-secret", example_json),
              "sha256=828bce74b9969bc6955725e58ac96e8900ffaf10986b226bf0538eb93c9d70af");
    EXPECT_EQ(webhook_signature("payment-sim-secret", example_json),
              "sha256=c90139cf691506b30f9cab920d40828bc12a496304e941b99a65ef6457bfac89");
}

TEST(WebhookSignature, VerifiesOnlyTheExactBodyAndSecret) {
    const auto header = webhook_signature("secret", example_json);
    EXPECT_TRUE(verify_webhook_signature("secret", example_json, header));
    EXPECT_FALSE(verify_webhook_signature("secret", std::string(example_json) + " ", header));
    EXPECT_FALSE(verify_webhook_signature("other", example_json, header));
    EXPECT_FALSE(verify_webhook_signature("secret", example_json, header.substr(7)));
}

// Signed content and encoding as the Standard Webhooks specification has them.
TEST(StandardWebhookSignature, SignsIdTimestampAndBody) {
    const auto signature =
        standard_webhook_signature("secret", "msg_1", 1'614'265'330, R"({"test": 2432232314})");
    EXPECT_EQ(signature.substr(0, 3), "v1,");
    EXPECT_EQ(signature.size(), 3U + 44U);
    EXPECT_NE(signature, standard_webhook_signature("secret", "msg_2", 1'614'265'330,
                                                    R"({"test": 2432232314})"));
}

TEST(StandardWebhookSignature, OneOfSeveralThatIsRightIsEnough) {
    const auto right = standard_webhook_signature("secret", "msg_1", 1'614'265'330, "{}");
    const auto old = standard_webhook_signature("old secret", "msg_1", 1'614'265'330, "{}");
    const auto verify = [](const std::string& header) {
        return verify_standard_webhook_signature("secret", "msg_1", 1'614'265'330, "{}", header);
    };
    for (const auto& header :
         {right, old + " " + right, right + " " + old, "v1a,Zm9v " + right + " v9,", right + " "}) {
        EXPECT_TRUE(verify(header)) << header;
    }
    for (const auto& header :
         {std::string(), std::string(" "), old, old + " " + old, right + "," + old,
          right.substr(0, 20), right + "=", "v2," + right.substr(3), right.substr(3)}) {
        EXPECT_FALSE(verify(header)) << header;
    }
    EXPECT_FALSE(verify_standard_webhook_signature("secret", "msg_2", 1'614'265'330, "{}", right));
    EXPECT_FALSE(verify_standard_webhook_signature("secret", "msg_1", 1'614'265'331, "{}", right));
    EXPECT_FALSE(verify_standard_webhook_signature("secret", "msg_1", 1'614'265'330, "[]", right));
}

TEST(WebhookTimestamp, ThatIsAsFarAsIntegersGoIsStale) {
    const Instant now = instant_from_unix_us(1'000'000'000);
    EXPECT_FALSE(fresh_webhook_timestamp(std::numeric_limits<std::int64_t>::min(), now));
    EXPECT_FALSE(fresh_webhook_timestamp(std::numeric_limits<std::int64_t>::max(), now));
}

TEST(WebhookTimestamp, IsFreshForFiveMinutesEitherWay) {
    const Instant now = instant_from_unix_us(1'000'000'000);
    EXPECT_TRUE(fresh_webhook_timestamp(1'000 - 300, now));
    EXPECT_TRUE(fresh_webhook_timestamp(1'000 + 300, now));
    EXPECT_FALSE(fresh_webhook_timestamp(1'000 - 301, now));
    EXPECT_FALSE(fresh_webhook_timestamp(1'000 + 301, now));
}

}  // namespace
}  // namespace florin::gateway
