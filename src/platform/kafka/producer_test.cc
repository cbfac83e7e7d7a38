#include "platform/kafka/producer.h"

#include <chrono>
#include <map>

#include <gtest/gtest.h>

#include "platform/kafka/mock_cluster.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"

namespace florin::kafka {
namespace {

using Kind = Delivery::Kind;

class KafkaProducerTest : public ::testing::Test {
protected:
    KafkaProducerTest() { cluster.create_topic("payment.captured", 2); }

    std::unique_ptr<Producer> producer(ProducerOptions options = {}) {
        return std::make_unique<Producer>(loop, cluster.client(), options, metrics);
    }
    static Record record(std::string key, std::string value) {
        return {"payment.captured", std::move(key), std::move(value), {}, instant};
    }
    std::vector<Delivery> send(Producer& sender, std::vector<Record> records) {
        return runtime::result_of(loop, sender.send(std::move(records)));
    }

    /// Sends one again and again until Kafka has it; false when it has not for a minute.
    bool arrives(Producer& sender) {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(60);
        while (std::chrono::steady_clock::now() < deadline) {
            if (send(sender, {record("p-1", "one")})[0].kind == Kind::Done) return true;
        }
        return false;
    }

    static constexpr Instant instant = instant_from_unix_us(1'700'000'000'123'456);
    MockCluster cluster;
    telemetry::Metrics metrics;
    runtime::Loop loop{"test"};
};

TEST_F(KafkaProducerTest, WhatIsSentArrivesWithKeyHeadersAndTime) {
    auto sender = producer();
    Record sent = record("p-1", R"({"a":null,"b":[]})");
    sent.headers = {{"id", "0191"}, {"eventId", "0191"}};
    const auto deliveries = send(*sender, {sent});
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(deliveries[0].kind, Kind::Done) << deliveries[0].error_message;
    const auto records = cluster.read("payment.captured", 1);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].key, "p-1");
    EXPECT_EQ(records[0].value, sent.value);
    EXPECT_EQ(records[0].timestamp_ms, 1'700'000'000'123);
    ASSERT_EQ(records[0].headers.size(), 2U);
    EXPECT_EQ(records[0].headers[0].name, "id");
    EXPECT_EQ(records[0].headers[0].value, "0191");
}

TEST_F(KafkaProducerTest, AKeyMeetsThePartitionThatJavaClientsWouldChoose) {
    cluster.create_topic("keys", 12);
    auto sender = producer();
    // The hashes are those that Kafka's own UtilsTest names for these keys.
    const std::map<std::string, std::int64_t> hashes = {{"21", -973'932'308},
                                                        {"foobar", -790'332'482},
                                                        {"a-little-bit-long-string", -985'981'536},
                                                        {"abc", 479'470'107}};
    std::vector<Record> records;
    for (const auto& [key, hash] : hashes) records.push_back({"keys", key, "", {}, instant});
    send(*sender, records);
    const auto found = cluster.read("keys", hashes.size());
    ASSERT_EQ(found.size(), hashes.size());
    for (const auto& one : found)
        EXPECT_EQ(one.partition, (hashes.at(one.key) & 0x7fffffff) % 12) << one.key;
}

TEST_F(KafkaProducerTest, KeepsTheOrderOfAKeyThroughErrorsThatPass) {
    auto sender = producer();
    cluster.answer_produce_with(
        {"NOT_ENOUGH_REPLICAS", "NOT_LEADER_FOR_PARTITION", "NO_ERROR", "REQUEST_TIMED_OUT"});
    std::vector<Record> records;
    for (int i = 0; i < 500; ++i) records.push_back(record("p-1", std::to_string(i)));
    for (const auto& delivery : send(*sender, records)) ASSERT_EQ(delivery.kind, Kind::Done);
    const auto found = cluster.read("payment.captured", 500);
    ASSERT_EQ(found.size(), 500U);
    for (int i = 0; i < 500; ++i)
        EXPECT_EQ(found[static_cast<std::size_t>(i)].value, std::to_string(i));
}

TEST_F(KafkaProducerTest, ARecordThatIsTooLargeForTheClientIsTold) {
    auto sender = producer();
    const auto deliveries =
        send(*sender, {record("p-1", std::string(2'000'000, 'x')), record("p-1", "after")});
    EXPECT_EQ(deliveries[0].kind, Kind::TooLarge);
    EXPECT_EQ(deliveries[1].kind, Kind::Done);
}

TEST_F(KafkaProducerTest, WhatABrokerRefusesEndsTheSessionSoThatNothingOvertakes) {
    auto sender = producer();
    cluster.answer_produce_with({"MSG_SIZE_TOO_LARGE"});
    const auto refused = send(*sender, {record("p-1", "one"), record("p-1", "two")});
    EXPECT_EQ(refused[0].kind, Kind::Refused) << refused[0].error_type;
    EXPECT_NE(refused[1].kind, Kind::Done);
    for (const auto& delivery : send(*sender, {record("p-1", "one"), record("p-1", "two")}))
        EXPECT_EQ(delivery.kind, Kind::Done);
    const auto found = cluster.read("payment.captured", 2);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].value, "one");
}

TEST_F(KafkaProducerTest, WhileKafkaIsAwayItComesBackAndGoesWhenItIsThereAgain) {
    ProducerOptions options;
    options.patience = Milliseconds(300);
    auto sender = producer(options);
    cluster.take_down();
    const auto away = send(*sender, {record("p-1", "one")});
    EXPECT_EQ(away[0].kind, Kind::Away);
    EXPECT_FALSE(away[0].error_message.empty());
    EXPECT_FALSE(sender->trouble().empty());
    cluster.bring_up();
    sender = producer();
    EXPECT_TRUE(arrives(*sender));
    EXPECT_EQ(sender->trouble(), "");
}

TEST_F(KafkaProducerTest, ATroubleIsNotToldForEverWhenNothingIsSent) {
    ProducerOptions options;
    options.patience = Milliseconds(300);
    options.trouble_lasts = Milliseconds(1);
    auto sender = producer(options);
    cluster.take_down();
    EXPECT_EQ(send(*sender, {record("p-1", "one")})[0].kind, Kind::Away);
    cluster.bring_up();
    EXPECT_TRUE(
        runtime::result_of(loop, store::eventually([&] { return sender->trouble().empty(); })));
}

TEST_F(KafkaProducerTest, WithoutASessionEverythingComesBackWithTheReason) {
    auto client = cluster.client();
    client.properties.emplace_back("security.protocol", "ssl");
    client.properties.emplace_back("ssl.ca.location", "/nowhere/ca.pem");
    Producer sender(loop, client, {}, metrics);
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto deliveries = send(sender, {record("p-1", "one"), record("p-1", "two")});
        ASSERT_EQ(deliveries.size(), 2U);
        for (const auto& delivery : deliveries) {
            EXPECT_EQ(delivery.kind, Kind::Away);
            EXPECT_NE(delivery.error_message.find("ssl.ca.location"), std::string::npos)
                << delivery.error_message;
        }
        EXPECT_NE(sender.trouble().find("ssl.ca.location"), std::string::npos);
    }
}

TEST_F(KafkaProducerTest, ATopicThatIsMadeAgainIsLookedForByANewSession) {
    auto client = cluster.client();
    client.properties.emplace_back("topic.metadata.propagation.max.ms", "100");
    client.properties.emplace_back("topic.metadata.refresh.interval.ms", "100");
    Producer sender(loop, client, {}, metrics);
    EXPECT_TRUE(arrives(sender));
    cluster.forget_topic("payment.captured");
    const auto deadline = std::chrono::steady_clock::now() + Seconds(60);
    std::vector<Delivery> last;
    do {
        last = send(sender, {record("p-1", "one")});
    } while (last[0].kind == Kind::Done && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(last[0].kind, Kind::Away) << last[0].error_message;
    cluster.remember_topic("payment.captured");
    EXPECT_TRUE(arrives(sender));
    EXPECT_EQ(metrics.scrape().find("\nflorin_kafka_producer_sessions_total 1\n"),
              std::string::npos);
}

TEST_F(KafkaProducerTest, ATopicThatIsNotThereIsNamed) {
    ProducerOptions options;
    options.patience = Seconds(20);
    auto client = cluster.client();
    client.properties.emplace_back("topic.metadata.propagation.max.ms", "100");
    Producer sender(loop, client, options, metrics);
    Record lost = record("p-1", "one");
    lost.topic = "nowhere";
    cluster.forget_topic("nowhere");
    const auto deliveries = send(sender, {lost});
    EXPECT_EQ(deliveries[0].kind, Kind::Away);
    EXPECT_NE(deliveries[0].error_message.find("nowhere"), std::string::npos)
        << deliveries[0].error_message;
}

TEST_F(KafkaProducerTest, AClosedOneGivesBackWhatWaitsAndTakesNoMore) {
    auto sender = producer();
    cluster.take_down();
    std::optional<std::vector<Delivery>> deliveries;
    runtime::spawn(loop, "send",
                   runtime::keep_result(sender->send({record("p-1", "one")}), deliveries));
    sender->close();
    ASSERT_TRUE(
        runtime::result_of(loop, store::eventually([&] { return deliveries.has_value(); })));
    EXPECT_EQ(deliveries->front().kind, Kind::Away);
    EXPECT_EQ(send(*sender, {record("p-1", "two")})[0].kind, Kind::Away);
}

TEST_F(KafkaProducerTest, RefusesPropertiesThatDeliveryRestsOnAndNeverShowsValues) {
    auto client = cluster.client();
    client.properties.emplace_back("acks", "1");
    EXPECT_NE(complaint_about(client).find("\"acks\" is set by Florin"), std::string::npos);
    client = cluster.client();
    client.properties.emplace_back("group.instance.id", "worker");
    EXPECT_NE(complaint_about(client).find("\"group.instance.id\" is set by Florin"),
              std::string::npos);
    client = cluster.client();
    client.properties.emplace_back("plugin.library.paths", "evil.so");
    EXPECT_NE(complaint_about(client).find("run code"), std::string::npos);
    client = cluster.client();
    client.properties.emplace_back("security.protocol", "hunter2");
    EXPECT_NE(complaint_about(client).find("security.protocol"), std::string::npos);
    EXPECT_EQ(complaint_about(client).find("hunter2"), std::string::npos);
    client = cluster.client();
    client.properties.emplace_back("no.such.thing", "1");
    EXPECT_NE(complaint_about(client).find("knows no property \"no.such.thing\""),
              std::string::npos);
    EXPECT_EQ(complaint_about(cluster.client()), "");
}

}  // namespace
}  // namespace florin::kafka
