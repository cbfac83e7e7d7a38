#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "app/tools.h"
#include "gateway/webhooks/signature.h"

namespace florin::app {
namespace {

constexpr const char* secret = "a-secret-of-its-own";
constexpr std::int64_t stamped = 1'234'567'890;
const std::string body = R"({"payment_id":"pay-1","timestamp":1234567890})";

class WebhookVerifyTest : public ::testing::Test {
protected:
    ~WebhookVerifyTest() override { std::filesystem::remove(file_); }

    /// The exit code; what was printed is in `said`.
    int verify(VerifyOptions options, const std::string& text = body) {
        std::ofstream(file_, std::ios::binary) << text;
        options.body_file = file_;
        return run(options);
    }
    int run(const VerifyOptions& options) {
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const int code = run_webhook_verify(options);
        said = ::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr();
        return code;
    }
    bool says(const std::string& text) const { return said.find(text) != std::string::npos; }

    static VerifyOptions plain(const std::string& key = secret) {
        return {.body_file = {},
                .signature = gateway::webhook_signature(key, body),
                .id = {},
                .timestamp = {},
                .secret = secret,
                .at_s = stamped};
    }
    static VerifyOptions standard(const std::string& key = secret) {
        return {.body_file = {},
                .signature = gateway::standard_webhook_signature(key, "msg_1", stamped, body),
                .id = "msg_1",
                .timestamp = std::to_string(stamped),
                .secret = secret,
                .at_s = stamped};
    }

    std::string said;

private:
    static std::string new_file() {
        std::string name = (std::filesystem::temp_directory_path() / "florin-body-XXXXXX").string();
        ::close(::mkstemp(name.data()));
        return name;
    }
    const std::string file_ = new_file();
};

TEST_F(WebhookVerifyTest, TakesEitherHeader) {
    EXPECT_EQ(verify(plain()), 0) << said;
    EXPECT_EQ(verify(standard()), 0) << said;
    auto padded = plain();
    padded.signature = "  " + padded.signature + "\r\n";
    EXPECT_EQ(verify(padded), 0) << said;
}

TEST_F(WebhookVerifyTest, TakesFiveMinutesEitherWayAndNoMore) {
    for (const auto& options : {plain(), standard()}) {
        for (const auto& [offset, code] :
             {std::pair{300, 0}, std::pair{-300, 0}, std::pair{301, 1}, std::pair{-301, 1}}) {
            auto late = options;
            late.at_s = stamped + offset;
            EXPECT_EQ(verify(late), code) << offset << said;
            EXPECT_EQ(says("STALE"), code == 1) << said;
        }
    }
    auto late = plain();
    late.at_s = stamped + 1'000;
    verify(late);
    EXPECT_TRUE(says("1000 s before the receiver's clock (2009-02-13T23:48:10")) << said;
    EXPECT_TRUE(says("signature  ok")) << said;
}

TEST_F(WebhookVerifyTest, TakesNowWithoutAClock) {
    auto options = plain();
    options.at_s.reset();
    EXPECT_EQ(verify(options), 1);
    EXPECT_TRUE(says("STALE")) << said;
}

TEST_F(WebhookVerifyTest, OneOfSeveralSignaturesIsEnough) {
    auto options = standard();
    options.signature = standard("the-old-secret").signature + " v1a,cHVibGlj " + options.signature;
    EXPECT_EQ(verify(options), 0) << said;
    options.signature = standard("the-old-secret").signature + " " + standard("older").signature;
    EXPECT_EQ(verify(options), 1);
    EXPECT_TRUE(says("none of the signatures")) << said;
}

// The body's own time could be replaced together with the headers' otherwise.
TEST_F(WebhookVerifyTest, TheAgeOfAStandardWebhookIsThatOfItsHeader) {
    auto options = standard();
    options.signature = gateway::standard_webhook_signature(secret, "msg_1", stamped - 1'000, body);
    options.timestamp = std::to_string(stamped - 1'000);
    EXPECT_EQ(verify(options), 1);
    EXPECT_TRUE(says("signature  ok")) << said;
    EXPECT_TRUE(says("STALE")) << said;
}

TEST_F(WebhookVerifyTest, SaysWhatIsWrongWithASignature) {
    const auto expect = [this](VerifyOptions options, const std::string& text, const char* wanted) {
        EXPECT_EQ(verify(std::move(options), text), 1);
        EXPECT_TRUE(says(wanted)) << said;
    };
    expect(plain(), body + "\n", "without its last line break");
    expect(standard(), body + "\r\n", "without its last line break");
    expect(plain(), R"({"payment_id": "pay-1", "timestamp": 1234567890})", "compact JSON");
    expect(standard(), R"({"payment_id": "pay-1", "timestamp": 1234567890})", "compact JSON");
    expect(plain("payment-sim-dev-secret"), body, "default secret");
    expect(standard("payment-sim-dev-secret"), body, "default secret");
    expect(plain("somebody's"), body, "does not belong");
    auto options = plain();
    options.signature.resize(50);
    expect(options, body, "followed by 43 characters");
    options.signature = "hmac=1";
    expect(options, body, "\"hmac=1\" begins neither");
    options = plain();
    options.secret.clear();
    expect(options, body, "the secret is empty");
    options = standard();
    options.id.clear();
    expect(options, body, "--id and --timestamp");
    options = standard();
    options.timestamp = "yesterday";
    expect(options, body, "\"yesterday\"");
    options = standard();
    options.signature = "v1a,cHVibGlj";
    expect(options, body, "no signature of version v1");
}

TEST_F(WebhookVerifyTest, ABodyWithoutATimestampIsNotFresh) {
    for (const char* text : {"{}", "[]", "not json", R"({"timestamp":"1234567890"})",
                             R"({"timestamp":-9223372036854775808})"}) {
        auto options = plain();
        options.signature = gateway::webhook_signature(secret, text);
        EXPECT_EQ(verify(options, text), 1) << text;
        EXPECT_TRUE(says("signature  ok")) << said;
        EXPECT_TRUE(says("MISSING") || says("STALE")) << said;
    }
}

TEST_F(WebhookVerifyTest, NamesAFileThatCannotBeRead) {
    auto options = plain();
    options.body_file = "/nowhere/at-all.json";
    EXPECT_EQ(run(options), 1);
    EXPECT_TRUE(says("/nowhere/at-all.json")) << said;
}

}  // namespace
}  // namespace florin::app
