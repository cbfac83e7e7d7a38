#include <gtest/gtest.h>

#include "platform/aws/event_bridge.h"
#include "platform/aws/fake_aws.h"
#include "platform/aws/sqs.h"
#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"

namespace florin::aws {
namespace {

using testing::refusal;

EventEntry entry_of(std::string detail) {
    return {"payment-sim-api", "Payment Status Updated", std::move(detail),
            "ticket-reservation-events"};
}

class AwsServicesTest : public ::testing::Test {
protected:
    Client client_of(Service service) {
        ClientOptions options;
        options.endpoint_url = aws.url();
        options.attempts_max = 1;
        return {http, credentials, time, service, options, metrics};
    }
    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(loop, std::move(task));
    }
    void answer_with(http::Response response) {
        aws.answer = [response](const http::Request&) { return response; };
    }

    runtime::Loop loop{"aws test"};
    telemetry::Metrics metrics;
    ManualClock clock;
    ServiceClock time{clock};
    http::Client http{loop, {}};
    testing::FixedCredentials credentials;
    testing::FakeEndpoint aws{loop};
};

TEST_F(AwsServicesTest, EntriesAreWrittenAsTheProtocolHasThem) {
    EXPECT_EQ(put_events_body(std::vector{entry_of(R"({"a":1})"), entry_of("{}")}),
              R"({"Entries":[{"Source":"payment-sim-api","DetailType":"Payment Status Updated",)"
              R"("Detail":"{\"a\":1}","EventBusName":"ticket-reservation-events"},)"
              R"({"Source":"payment-sim-api","DetailType":"Payment Status Updated",)"
              R"("Detail":"{}","EventBusName":"ticket-reservation-events"}]})");
}

TEST_F(AwsServicesTest, EachEntryHasAResultOfItsOwn) {
    answer_with(http::json(200, R"({"FailedEntryCount":2,"Entries":[{"EventId":"e-1"},)"
                                R"({"ErrorCode":"InternalFailure","ErrorMessage":"oops"},{}]})"));
    Client client = client_of(event_bridge_service);
    const auto answer =
        get(put_events(client, {entry_of("{}"), entry_of("{}"), entry_of("{}")}, Seconds(5)));
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->size(), 3U);
    EXPECT_TRUE((*answer)[0].taken());
    EXPECT_EQ((*answer)[0].event_id, "e-1");
    EXPECT_FALSE((*answer)[1].taken());
    EXPECT_EQ((*answer)[1].error_code, "InternalFailure");
    EXPECT_EQ((*answer)[1].error_message, "oops");
    EXPECT_FALSE((*answer)[2].taken()) << "silence is no success";
}

TEST_F(AwsServicesTest, AnAnswerThatDoesNotSpeakOfEveryEntryIsAFailure) {
    for (const char* text : {"{}", "[]", "", R"({"Entries":[]})", R"({"Entries":1})"})
        EXPECT_FALSE(read_put_events_answer(text, 1)) << text;
}

TEST_F(AwsServicesTest, ACallTakesTenEntriesAndSoManyBytes) {
    const auto fitting = [](std::size_t entries, std::size_t bytes) {
        return fitting_one_call(std::vector<std::size_t>(entries, bytes));
    };
    EXPECT_EQ(fitting(25, 100), 10U);
    EXPECT_EQ(fitting(3, 100), 3U);
    EXPECT_EQ(fitting(5, 100'000), 2U);
    EXPECT_EQ(fitting(2, 500'000), 1U);
    EXPECT_EQ(fitting(0, 0), 0U);
}

TEST_F(AwsServicesTest, ReceivingAsksForALongPollAndTheReceiveCount) {
    answer_with(http::json(
        200, R"({"Messages":[{"MessageId":"m-1","ReceiptHandle":"r-1","Body":"{}","Attributes":)"
             R"({"ApproximateReceiveCount":"3"},"MessageAttributes":{"TraceId":{"StringValue":)"
             R"("t-1","DataType":"String"}}}]})"));
    Client client = client_of(sqs_service);
    Queue queue(client, "http://sqs/1/orders");
    const auto messages = get(queue.receive({}));
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 1U);
    EXPECT_EQ(messages->front().id, "m-1");
    EXPECT_EQ(messages->front().receipt, "r-1");
    EXPECT_EQ(messages->front().trace_id, "t-1");
    EXPECT_EQ(messages->front().receive_count, 3);
    EXPECT_EQ(aws.requests.front().headers.get("X-Amz-Target"), "AmazonSQS.ReceiveMessage");
    EXPECT_EQ(aws.requests.front().headers.get("Content-Type"), "application/x-amz-json-1.0");
    EXPECT_EQ(aws.requests.front().body,
              R"({"QueueUrl":"http://sqs/1/orders","MaxNumberOfMessages":10,"WaitTimeSeconds":20,)"
              R"("VisibilityTimeout":60,"AttributeNames":["ApproximateReceiveCount"],)"
              R"("MessageAttributeNames":["TraceId"]})");
}

TEST_F(AwsServicesTest, AnEmptyQueueHasNoMessages) {
    Client client = client_of(sqs_service);
    Queue queue(client, "http://sqs/1/orders");
    const auto messages = get(queue.receive({}));
    ASSERT_TRUE(messages);
    EXPECT_TRUE(messages->empty());
    EXPECT_FALSE(read_receive_answer("oops"));
}

TEST_F(AwsServicesTest, AMessageIsRemovedOnceAndForAll) {
    Client client = client_of(sqs_service);
    Queue queue(client, "http://sqs/1/orders");
    EXPECT_TRUE(get(queue.remove("r-1")));
    EXPECT_EQ(aws.requests.back().body,
              R"({"QueueUrl":"http://sqs/1/orders","ReceiptHandle":"r-1"})");
    answer_with(refusal(400, "ReceiptHandleIsInvalid"));
    EXPECT_TRUE(get(queue.remove("r-1")));
    answer_with(refusal(400, "QueueDoesNotExist"));
    EXPECT_FALSE(get(queue.remove("r-1")));
}

TEST_F(AwsServicesTest, VisibilityAndSendingSayWhatTheyMean) {
    Client client = client_of(sqs_service);
    Queue queue(client, "http://sqs/1/orders");
    EXPECT_TRUE(get(queue.set_visibility("r-1", Seconds(30))));
    EXPECT_EQ(aws.requests.back().body,
              R"({"QueueUrl":"http://sqs/1/orders","ReceiptHandle":"r-1",)"
              R"("VisibilityTimeout":30})");
    EXPECT_TRUE(get(queue.send("{}", {{"Reason", "not JSON"}})));
    EXPECT_EQ(aws.requests.back().body,
              R"({"QueueUrl":"http://sqs/1/orders","MessageBody":"{}","MessageAttributes":)"
              R"({"Reason":{"DataType":"String","StringValue":"not JSON"}}})");
}

TEST(EventBus, IsAName) {
    for (const char* name : {"default", "ticket-reservation-events", "aws.partner/shop.com/a_1"})
        EXPECT_TRUE(is_event_bus(name)) << name;
    EXPECT_TRUE(is_event_bus(std::string(256, 'a')));
    for (const char* name : {"", "two words", "bus:1", "b\u00fcs", "bus\n"})
        EXPECT_FALSE(is_event_bus(name)) << name;
    EXPECT_FALSE(is_event_bus(std::string(257, 'a')));
}

TEST(EventBus, OrAnArn) {
    for (const char* arn : {"arn:aws:events:ap-northeast-2:123456789012:event-bus/orders",
                            "arn:aws-cn:events:cn-north-1:000000000000:event-bus/a/b"})
        EXPECT_TRUE(is_event_bus(arn)) << arn;
    for (const char* arn : {"arn:", "arn:aws:events:ap-northeast-2:123456789012:event-bus/",
                            "arn:aws:events:ap-northeast-2:YOUR_ACCOUNT_ID:event-bus/orders",
                            "arn:aws:sqs:ap-northeast-2:123456789012:orders",
                            "arn:aws:events:ap-northeast-2:123456789012:rule/orders",
                            "arn:aws:events::123456789012:event-bus/orders",
                            "arn:aws:events:ap-northeast-2:123456789012:event-bus/orders:1"})
        EXPECT_FALSE(is_event_bus(arn)) << arn;
}

}  // namespace
}  // namespace florin::aws
