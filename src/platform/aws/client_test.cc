#include "platform/aws/client.h"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/aws/signature.h"
#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"

namespace florin::aws {
namespace {

using testing::refusal;

class AwsClientTest : public ::testing::Test {
protected:
    std::unique_ptr<Client> client_of(int attempts_max = 3) {
        ClientOptions options;
        options.endpoint_url = aws.url();
        options.attempts_max = attempts_max;
        options.backoff = {Milliseconds(1), Milliseconds(2)};
        return std::make_unique<Client>(http, credentials, time, event_bridge_service, options,
                                        metrics);
    }
    Answer<std::string> call(Client& client, Milliseconds deadline = Seconds(5)) {
        return runtime::result_of(loop, client.call("PutEvents", R"({"Entries":[]})", deadline));
    }
    /// Gives these answers one after the other, then the last one for ever.
    void answer_with(std::vector<http::Response> answers) {
        aws.answer = [this, answers](const http::Request&) {
            return answers[std::min(aws.requests.size(), answers.size()) - 1];
        };
    }

    runtime::Loop loop{"aws test"};
    telemetry::Metrics metrics;
    ManualClock clock{SystemClock().now()};  // the fake endpoint tells the time of day
    ServiceClock time{clock};
    http::Client http{loop, {}};
    testing::FixedCredentials credentials;
    testing::FakeEndpoint aws{loop};
};

TEST_F(AwsClientTest, ACallIsAPostSignedForItsServiceAndRegion) {
    credentials.credentials.session_token = "token";
    auto client = client_of();
    ASSERT_TRUE(call(*client));
    ASSERT_EQ(aws.requests.size(), 1U);
    const http::Request& request = aws.requests.front();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/");
    EXPECT_EQ(request.body, R"({"Entries":[]})");
    EXPECT_EQ(request.headers.get("Content-Type"), "application/x-amz-json-1.1");
    EXPECT_EQ(request.headers.get("X-Amz-Target"), "AWSEvents.PutEvents");
    EXPECT_EQ(request.headers.get("X-Amz-Date"), amz_date(clock.now()));
    EXPECT_EQ(request.headers.get("X-Amz-Security-Token"), "token");
    http::Headers headers;
    for (const char* name :
         {"Host", "Content-Type", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token"})
        headers.add(name, std::string(request.headers.get(name)));
    EXPECT_EQ(request.headers.get("Authorization"),
              authorization({"POST", "/", headers, request.body}, credentials.credentials,
                            {"ap-northeast-2", "events"}, clock.now()));
}

TEST_F(AwsClientTest, WhatIsThrottledOrUnavailableIsTriedAgain) {
    answer_with({refusal(400, "ThrottlingException"), refusal(500, "InternalFailure"),
                 http::json(200, "{}")});
    EXPECT_TRUE(call(*client_of()));
    EXPECT_EQ(aws.requests.size(), 3U);
    EXPECT_NE(
        metrics.scrape().find(R"(florin_aws_calls_total{result="throttled",service="events"} 1)"),
        std::string::npos);
}

TEST_F(AwsClientTest, AfterTheLastAttemptItTellsWhatAwsSaid) {
    answer_with({refusal(400, "ThrottlingException", "Rate exceeded")});
    const auto answer = call(*client_of());
    ASSERT_FALSE(answer);
    EXPECT_EQ(aws.requests.size(), 3U);
    EXPECT_EQ(answer.error().kind, Failure::Kind::Throttled);
    EXPECT_EQ(answer.error().code, "ThrottlingException");
    EXPECT_EQ(answer.error().text,
              "events PutEvents answered 400 ThrottlingException: Rate exceeded");
}

TEST_F(AwsClientTest, ARequestThatIsWrongIsNotMadeAgain) {
    answer_with({refusal(400, "ValidationException")});
    const auto answer = call(*client_of());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::Refused);
    EXPECT_EQ(aws.requests.size(), 1U);
}

TEST_F(AwsClientTest, WhoMayNotCallIsToldAtOnce) {
    answer_with({refusal(400, "AccessDeniedException")});
    const auto answer = call(*client_of());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::Denied);
    EXPECT_EQ(aws.requests.size(), 1U);
    EXPECT_EQ(credentials.forgotten, 0);
}

TEST_F(AwsClientTest, ExpiredCredentialsAreRenewedAndTheCallIsMadeAgain) {
    credentials.credentials.session_token = "old";
    answer_with({refusal(403, "ExpiredTokenException"), http::json(200, "{}")});
    EXPECT_TRUE(call(*client_of()));
    EXPECT_EQ(credentials.forgotten, 1);
    EXPECT_EQ(aws.requests.back().headers.get("X-Amz-Security-Token"), "old+");
}

TEST_F(AwsClientTest, AClockThatIsWrongIsCorrectedByTheServices) {
    clock.advance(std::chrono::hours(1));
    answer_with({refusal(403, "SignatureDoesNotMatch", "Signature not yet current"),
                 http::json(200, "{}")});
    auto client = client_of();
    EXPECT_TRUE(call(*client));
    EXPECT_EQ(aws.requests.front().headers.get("X-Amz-Date"), amz_date(clock.now()));
    EXPECT_LE(aws.requests.back().headers.get("X-Amz-Date"), amz_date(SystemClock().now()));
    EXPECT_TRUE(call(*client));
    EXPECT_EQ(aws.requests.size(), 3U) << "the next call knows the time";
}

TEST_F(AwsClientTest, AWrongSecretIsNotTakenForAWrongClock) {
    answer_with({refusal(403, "SignatureDoesNotMatch")});
    EXPECT_FALSE(call(*client_of()));
    EXPECT_EQ(aws.requests.size(), 1U);
}

TEST_F(AwsClientTest, WhatWasSignedBeforeTheClockWasCorrectedIsSentAgainToo) {
    clock.advance(std::chrono::hours(1));
    const std::string wrong = amz_date(clock.now());
    aws.holds = [this](const http::Request&) { return aws.requests.size() < 2; };
    aws.answer = [wrong](const http::Request& request) {
        const bool skewed = request.headers.get("X-Amz-Date") == wrong;
        return skewed ? refusal(403, "RequestTimeTooSkewed") : http::json(200, "{}");
    };
    auto client = client_of();
    std::vector<std::optional<Answer<std::string>>> answers(2);
    for (auto& answer : answers) {
        runtime::spawn(loop, "call",
                       runtime::keep_result(client->call("PutEvents", "{}", Seconds(30)), answer));
    }
    EXPECT_TRUE(runtime::result_of(loop, store::eventually([&answers] {
                                       return answers[0].has_value() && answers[1].has_value();
                                   })));
    for (const auto& answer : answers) EXPECT_TRUE(answer && *answer);
    EXPECT_EQ(aws.requests.size(), 4U);
}

TEST_F(AwsClientTest, KeysThatAwsDoesNotKnowAreAskedForAgainNowAndThen) {
    for (const char* code : {"UnrecognizedClientException", "InvalidClientTokenId",
                             "SignatureDoesNotMatch", "InvalidSignatureException"}) {
        SCOPED_TRACE(code);
        aws.requests.clear();
        credentials.forgotten = 0;
        answer_with({refusal(403, code)});
        auto client = client_of();
        for (int i = 0; i < 5; ++i) EXPECT_FALSE(call(*client));
        EXPECT_EQ(aws.requests.size(), 5U);
        EXPECT_EQ(credentials.forgotten, 1);
        clock.advance(Seconds(31));
        EXPECT_FALSE(call(*client));
        EXPECT_EQ(credentials.forgotten, 2);
    }
}

TEST_F(AwsClientTest, WithoutCredentialsNothingIsSent) {
    credentials.problem = "no AWS credentials: give one of them";
    const auto answer = call(*client_of());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::Denied);
    EXPECT_EQ(answer.error().text, credentials.problem);
    EXPECT_TRUE(aws.requests.empty());
}

TEST_F(AwsClientTest, AnEndpointThatNeverAnswersEndsByTheDeadline) {
    aws.holds = [](const http::Request&) { return true; };
    const auto answer = call(*client_of(1), Milliseconds(20));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::Unavailable);
    aws.holds = {};
}

TEST_F(AwsClientTest, AnAnswerThatIsNotOfAwsIsToldAsItIs) {
    answer_with({{.status = 404, .content_type = "text/html", .body = "<html>", .headers = {}}});
    const auto answer = call(*client_of());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Failure::Kind::Refused);
    EXPECT_EQ(answer.error().text, "events PutEvents answered 404 without a code: <html>");
}

TEST_F(AwsClientTest, AwsHasAnEndpointForEachServiceAndRegion) {
    EXPECT_EQ(aws_endpoint("sqs", "ap-northeast-2"), "https://sqs.ap-northeast-2.amazonaws.com/");
    EXPECT_EQ(aws_endpoint("events", "cn-north-1"), "https://events.cn-north-1.amazonaws.com.cn/");
}

TEST_F(AwsClientTest, AnEndpointThatIsNoUrlIsRefusedAtStart) {
    ClientOptions options;
    options.endpoint_url = "localhost:4566";
    EXPECT_THROW(Client(http, credentials, time, sqs_service, options, metrics),
                 std::runtime_error);
}

}  // namespace
}  // namespace florin::aws
