#include "gateway/event_bridge_relay.h"

#include <algorithm>
#include <set>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/base/manual_clock.h"
#include "platform/broker/offsets.h"
#include "platform/broker/relay_group.h"
#include "platform/outbox/outbox.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/kept_log.h"

namespace florin::gateway {
namespace {

using Kind = broker::Relayed::Kind;
namespace json = boost::json;

constexpr const char* data =
    R"({"payment_id":"pay-1","reservation_id":"rsv-1","user_id":"user-1",)"
    R"("status":"PAYMENT_STATUS_COMPLETED","amount":100000,"currency":"KRW",)"
    R"("timestamp":1700000000,"event_type":"payment.status_updated",)"
    R"("payment_intent_id":"pay-1","transaction_id":"txn-1","failure_reason":"",)"
    R"("refunded_amount":0})";

broker::Message message_of(int number, std::string topic = "payment.completed") {
    broker::Message message;
    message.position = number;
    message.event_id.bytes[15] = static_cast<std::uint8_t>(number);
    message.topic = std::move(topic);
    message.key = "pay-1";
    message.payload =
        std::string(R"({"specversion":"1.0","correlationid":"trace-1","data":)") + data + "}";
    return message;
}

TEST(EventDetail, HasTheContractsKeysInItsOrderAndOursAfterThem) {
    EXPECT_EQ(event_detail(message_of(1)),
              R"({"payment_id":"pay-1","reservation_id":"rsv-1","user_id":"user-1",)"
              R"("status":"PAYMENT_STATUS_COMPLETED","amount":100000,"currency":"KRW",)"
              R"("timestamp":1700000000,"event_type":"payment.status_updated",)"
              R"("payment_intent_id":"pay-1","transaction_id":"txn-1","failure_reason":"",)"
              R"("type":"payment.approved",)"
              R"("notification_id":"00000000-0000-0000-0000-000000000001",)"
              R"("trace_id":"trace-1"})");
    for (const char* unpaid : {"payment.failed", "payment.cancelled", "payment.expired"}) {
        const auto detail = event_detail(message_of(1, unpaid));
        ASSERT_TRUE(detail);
        EXPECT_NE(detail->find(R"("type":"payment.failed")"), std::string::npos) << unpaid;
    }
}

TEST(EventDetail, WhatIsMissingIsNamed) {
    broker::Message message = message_of(1);
    message.payload = R"({"data":{"payment_id":"pay-1"}})";
    EXPECT_EQ(event_detail(message).error(), R"(the event has no "reservation_id")");
    for (const char* payload : {"", "[]", R"({"data":1})"}) {
        message.payload = payload;
        EXPECT_FALSE(event_detail(message)) << payload;
    }
}

class EventBridgeRelayTest : public ::testing::Test {
protected:
    EventBridgeRelayTest() {
        aws.answer = [this](const http::Request& request) { return put(request); };
    }

    /// A bus that takes everything but what a test has it refuse.
    http::Response put(const http::Request& request) {
        const json::value body = json::parse(request.body);
        json::array results;
        for (const auto& entry : body.at("Entries").as_array()) {
            const json::value detail = json::parse(entry.at("Detail").as_string());
            const std::string id(detail.at("notification_id").as_string());
            const int number = std::stoi(id.substr(34), nullptr, 16);
            const auto code = refused.find(number);
            if (code == refused.end()) {
                taken.insert(number);
                results.push_back({{"EventId", id}});
            } else {
                results.push_back({{"ErrorCode", code->second}, {"ErrorMessage", "no"}});
            }
        }
        return http::json(200, json::serialize(json::object{{"Entries", results}}));
    }
    static aws::ClientOptions client_options(const std::string& url) {
        aws::ClientOptions options;
        options.endpoint_url = url;
        options.attempts_max = 1;
        return options;
    }
    static std::vector<broker::Message> messages_of(int count) {
        std::vector<broker::Message> all;
        for (int i = 1; i <= count; ++i) all.push_back(message_of(i));
        return all;
    }
    std::vector<Kind> relay(int messages) { return relay(messages_of(messages)); }
    std::vector<Kind> relay(std::vector<broker::Message> messages) {
        std::vector<Kind> kinds;
        for (const auto& result : runtime::result_of(loop, bus.relay(std::move(messages))))
            kinds.push_back(result.kind);
        return kinds;
    }

    runtime::Loop loop{"event bridge test"};
    telemetry::Metrics metrics;
    ManualClock clock{SystemClock().now()};
    aws::ServiceClock time{clock};
    http::Client http{loop, {}};
    aws::testing::FixedCredentials credentials;
    aws::testing::FakeEndpoint aws{loop};
    aws::Client client{
        http, credentials, time, aws::event_bridge_service, client_options(aws.url()), metrics};
    EventBridgeRelay bus{loop, client, {}, metrics};
    std::map<int, std::string> refused;
    std::set<int> taken;
};

TEST_F(EventBridgeRelayTest, EntriesGoOutTenToACall) {
    EXPECT_EQ(relay(25), std::vector(25, Kind::Done));
    EXPECT_EQ(taken.size(), 25U);
    EXPECT_EQ(aws.requests.size(), 3U);
    const json::value entry = json::parse(aws.requests.front().body).at("Entries").at(0);
    EXPECT_EQ(entry.at("Source"), "payment-sim-api");
    EXPECT_EQ(entry.at("DetailType"), "Payment Status Updated");
    EXPECT_EQ(entry.at("EventBusName"), "ticket-reservation-events");
    EXPECT_EQ(entry.as_object().size(), 4U);
}

TEST_F(EventBridgeRelayTest, EveryOutcomeIsToldAndNothingElse) {
    EXPECT_EQ(bus.topics(), (std::vector<std::string>{"payment.completed", "payment.failed",
                                                      "payment.cancelled", "payment.expired"}));
}

TEST_F(EventBridgeRelayTest, NoMessagesAreNoCall) {
    EXPECT_TRUE(relay(0).empty());
    EXPECT_TRUE(aws.requests.empty());
}

TEST_F(EventBridgeRelayTest, HalfOfABatchMayFail) {
    refused = {{2, "InternalFailure"}, {4, "ThrottlingException"}, {5, "MalformedDetail"}};
    EXPECT_EQ(relay(6), (std::vector{Kind::Done, Kind::Failed, Kind::Done, Kind::Later,
                                     Kind::Poison, Kind::Done}));
}

TEST_F(EventBridgeRelayTest, ABusThatIsAwayBlamesNoEntry) {
    struct Case {
        unsigned status;
        const char* code;
    };
    for (const Case& refusal :
         {Case{400, "ThrottlingException"}, Case{500, "InternalFailure"},
          Case{400, "AccessDeniedException"}, Case{400, "ResourceNotFoundException"}}) {
        SCOPED_TRACE(refusal.code);
        aws.answer = [refusal](const http::Request&) {
            return aws::testing::refusal(refusal.status, refusal.code);
        };
        EXPECT_EQ(relay(12), std::vector(12, Kind::Later));
    }
}

TEST_F(EventBridgeRelayTest, ABusThatWantsLessGetsNoFurtherCalls) {
    for (const char* code : {"ThrottlingException", "ServiceUnavailable"}) {
        SCOPED_TRACE(code);
        aws.requests.clear();
        aws.answer = [code](const http::Request&) { return aws::testing::refusal(503, code); };
        const auto results = runtime::result_of(loop, bus.relay(messages_of(400)));
        EXPECT_LE(aws.requests.size(), 8U) << "those under way when the first was refused";
        for (const auto& result : results) {
            EXPECT_EQ(result.kind, Kind::Later);
            EXPECT_EQ(result.error_type, code);
            EXPECT_FALSE(result.error_message.empty());
        }
    }
}

TEST_F(EventBridgeRelayTest, ABusThatThrottlesEntriesGetsNoFurtherCallsEither) {
    for (int i = 1; i <= 200; ++i) refused[i] = "ThrottlingException";
    EXPECT_EQ(relay(200), std::vector(200, Kind::Later));
    EXPECT_LE(aws.requests.size(), 8U);
}

TEST_F(EventBridgeRelayTest, TheLogNamesTheEventsThatTheBusHasMade) {
    telemetry::KeptLog log;
    relay(2);
    const std::string text = log.end();
    for (const char* id : {"000000000001", "000000000002"}) {
        EXPECT_NE(text.find(std::string(R"("payment_id":"pay-1","event_id":"00000000-0000-0000-)") +
                            "0000-" + id),
                  std::string::npos)
            << text;
    }
}

TEST_F(EventBridgeRelayTest, TheLogTellsOncePerRoundWhyEntriesWereNotTaken) {
    refused = {{2, "InternalFailure"}, {3, "InternalFailure"}, {4, "ThrottlingException"}};
    telemetry::KeptLog log(telemetry::Level::Warning);
    relay(6);
    const std::string text = log.end();
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    EXPECT_NE(text.find(R"("entries":2,"payment_id":"pay-1","error_code":"InternalFailure",)"
                        R"("error_message":"no")"),
              std::string::npos)
        << text;
}

TEST_F(EventBridgeRelayTest, ALoopMayDieWithCallsUnderWay) {
    auto dying = std::make_unique<runtime::Loop>("dying");
    auto own_http = std::make_unique<http::Client>(*dying, http::ClientOptions());
    // The bus's own loop does not run: nobody answers.
    auto own_client =
        std::make_unique<aws::Client>(*own_http, credentials, time, aws::event_bridge_service,
                                      client_options(aws.url()), metrics);
    auto own_bus =
        std::make_unique<EventBridgeRelay>(*dying, *own_client, EventBridgeRelayOptions(), metrics);
    std::optional<std::vector<broker::Relayed>> results;
    runtime::spawn(*dying, "relay",
                   runtime::keep_result(own_bus->relay(messages_of(100)), results));
    runtime::run_until_done(*dying, runtime::sleep_for(Milliseconds(1)));
    own_bus.reset();
    own_client.reset();
    own_http.reset();
    dying.reset();
    EXPECT_FALSE(results);
}

TEST_F(EventBridgeRelayTest, WithoutCredentialsEverythingWaits) {
    credentials.problem = "no AWS credentials";
    EXPECT_EQ(relay(100), std::vector(100, Kind::Later));
    EXPECT_TRUE(aws.requests.empty());
}

TEST_F(EventBridgeRelayTest, AnEntryThatSpoilsItsCallIsFoundByCallsOfItsOwn) {
    aws.answer = [this](const http::Request& request) {
        const bool spoiled = request.body.find("000000000003") != std::string::npos;
        return spoiled ? aws::testing::refusal(400, "ValidationException") : put(request);
    };
    EXPECT_EQ(relay(4), (std::vector{Kind::Done, Kind::Done, Kind::Failed, Kind::Done}));
}

TEST_F(EventBridgeRelayTest, AnEventThatIsNoneOfOursIsPoison) {
    auto broken = message_of(2);
    broken.payload = "{}";
    EXPECT_EQ(relay({message_of(1), broken}), (std::vector{Kind::Done, Kind::Poison}));
}

TEST_F(EventBridgeRelayTest, OnlySoManyCallsAreUnderWayAtOnce) {
    std::size_t released = 0;
    aws.holds = [this, &released](const http::Request& request) {
        const auto place = std::ranges::find(aws.requests, request.body, &http::Request::body);
        return static_cast<std::size_t>(place - aws.requests.begin()) >= released;
    };
    std::vector<broker::Message> messages;
    for (int i = 1; i <= 120; ++i) messages.push_back(message_of(i));
    std::optional<std::vector<broker::Relayed>> results;
    runtime::spawn(loop, "relay", runtime::keep_result(bus.relay(std::move(messages)), results));
    const auto reached = [this](std::size_t calls) {
        return runtime::result_of(
            loop, store::eventually([this, calls] { return aws.requests.size() == calls; }));
    };
    EXPECT_TRUE(reached(8));
    released = 1;
    EXPECT_TRUE(reached(9));
    released = 12;
    EXPECT_TRUE(
        runtime::result_of(loop, store::eventually([&results] { return results.has_value(); })));
    EXPECT_EQ(taken.size(), 120U);
}

/// The whole way: from the log, through the group, to the bus.
class PublishedLogTest : public EventBridgeRelayTest {
protected:
    PublishedLogTest() : store_(database.open(metrics)) {}

    void append(int first, int last) {
        runtime::result_of(loop, store_->write([first, last, this](store::Transaction& tx) {
            for (int i = first; i <= last; ++i) {
                const auto message = message_of(i);
                outbox::append(tx, {message.event_id, message.topic, "payment", "pay-1",
                                    message.payload, clock.now()});
            }
            return 0;
        }));
    }
    std::unique_ptr<broker::RelayGroup> group() {
        broker::ConsumerOptions options;
        options.batch_messages_max = 50;
        options.batch_pause = Microseconds(100);
        options.backoff = {Milliseconds(1), Milliseconds(2)};
        options.attempts_max = 3;
        return std::make_unique<broker::RelayGroup>(loop, *store_, bus, clock, options, metrics);
    }
    bool eventually(std::function<bool()> condition) {
        return runtime::result_of(loop, store::eventually(std::move(condition)));
    }
    std::int64_t offset() {
        return runtime::result_of(loop, store_->read([](store::Snapshot& snapshot) {
            return broker::offset_of(snapshot, EventBridgeRelay::group_name).value_or(-1);
        }));
    }

    store::TestDatabase database;
    std::unique_ptr<store::Store> store_;
};

TEST_F(PublishedLogTest, EverythingArrivesThoughTheBusWasAwayAndEveryThirdCallFails) {
    int calls = 0;
    bool away = true;
    aws.answer = [&](const http::Request& request) {
        if (away) return aws::testing::refusal(503, "ServiceUnavailable");
        if (++calls % 3 == 0) return aws::testing::refusal(400, "ThrottlingException");
        return put(request);
    };
    append(1, 250);
    auto relaying = group();
    relaying->start();
    EXPECT_TRUE(eventually([this] { return aws.requests.size() > 20; }));
    EXPECT_EQ(offset(), 0);
    away = false;
    EXPECT_TRUE(eventually([this] { return taken.size() == 250; }));
    EXPECT_TRUE(runtime::result_of(loop, relaying->stop(Seconds(10))));
    EXPECT_EQ(offset(), 250);
}

TEST_F(PublishedLogTest, WhatTheBusNeverTakesIsKeptForAPerson) {
    refused = {{7, "InternalFailure"}};
    append(1, 20);
    auto relaying = group();
    relaying->start();
    EXPECT_TRUE(eventually([this] { return taken.size() == 19; }));
    const auto dead = [this] {
        return runtime::result_of(loop, store_->read([](store::Snapshot& snapshot) {
            return broker::dead_letters::list(snapshot, {});
        }));
    };
    EXPECT_TRUE(eventually([this] {
        return metrics.scrape().find(
                   "florin_consumer_messages_total{group=\"event-bridge\","
                   "result=\"dead_letter\"} 1") != std::string::npos;
    }));
    EXPECT_TRUE(runtime::result_of(loop, relaying->stop(Seconds(10))));
    ASSERT_EQ(dead().size(), 1U);
    EXPECT_EQ(dead().front().attempts, 3);
    EXPECT_EQ(dead().front().error_type, "InternalFailure");
    EXPECT_EQ(offset(), 20);
}

}  // namespace
}  // namespace florin::gateway
