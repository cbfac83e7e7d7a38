#include "platform/kafka/event_relay.h"

#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"
#include "platform/broker/relay_group.h"
#include "platform/kafka/mock_cluster.h"

namespace florin::kafka {
namespace {

using broker::ConsumerWorld;
using Step = broker::RelayGroup::Step;

class KafkaRelayTest : public ::testing::Test {
protected:
    KafkaRelayTest() {
        for (const char* topic : {"payment.captured", "payment.refunded"})
            cluster.create_topic(topic, 2);
        restart();
    }

    void restart(ProducerOptions options = {}) {
        group.reset();
        relay.reset();
        producer =
            std::make_unique<Producer>(*world.loop, cluster.client(), options, *world.metrics);
        relay = std::make_unique<EventRelay>(*producer, EventRelayOptions());
        auto group_options = ConsumerWorld::quick();
        group_options.batch_messages_max = 400;
        group = std::make_unique<broker::RelayGroup>(*world.loop, *world.store, *relay, world.clock,
                                                     group_options, *world.metrics);
    }
    Step step() { return world.get(group->step()); }
    /// Rounds until everything is carried, or too many have failed.
    Step catch_up() {
        for (int failed = 0; failed < 50;) {
            const bool look_again = step() == Step::AtEnd && step() == Step::AtEnd;
            if (look_again) return Step::AtEnd;
            ++failed;
        }
        return Step::Failed;
    }
    /// Events of some keys, the payload says which of the key it is.
    void append(int events, int keys = 7) {
        std::vector<ConsumerWorld::NewEvent> all;
        for (int i = 0; i < events; ++i) {
            const std::string key = "p-" + std::to_string(i % keys);
            all.push_back({key, "payment.captured", std::to_string(next_[key]++)});
        }
        world.append_all(all);
    }
    /// Each event's first arrival comes after that of those before it of its key.
    void expect_order_of_keys(const std::vector<FoundRecord>& records) {
        std::map<std::string, int> expected;
        std::set<std::string> seen;
        for (const auto& record : records) {
            if (!seen.insert(record.headers.at(0).value).second) continue;
            EXPECT_EQ(record.value, std::to_string(expected[record.key]++)) << record.key;
        }
        for (const auto& [key, count] : next_) EXPECT_EQ(expected[key], count) << key;
    }

    ConsumerWorld world;
    MockCluster cluster;
    std::unique_ptr<Producer> producer;
    std::unique_ptr<EventRelay> relay;
    std::unique_ptr<broker::RelayGroup> group;
    std::map<std::string, int> next_;
};

TEST_F(KafkaRelayTest, AnEventArrivesByteForByteUnderItsKeyWithItsId) {
    world.append("p-1", "payment.captured", R"({"data":{"a":null,"b":[]}})");
    world.append("p-1", "payment.refunded", "{}");
    EXPECT_EQ(catch_up(), Step::AtEnd);
    const auto records = cluster.read("payment.captured", 1);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].value, R"({"data":{"a":null,"b":[]}})");
    EXPECT_EQ(records[0].key, "p-1");
    EXPECT_EQ(records[0].timestamp_ms, unix_ms(world.clock.now()));
    ASSERT_EQ(records[0].headers.size(), 1U);
    EXPECT_EQ(records[0].headers[0].name, "id");
    EXPECT_TRUE(parse_uuid(records[0].headers[0].value));
    EXPECT_EQ(cluster.read("payment.refunded", 1).size(), 1U);
    EXPECT_EQ(world.offset("kafka"), 2);
}

TEST_F(KafkaRelayTest, KeysKeepTheirOrderWhileBrokersFailAndAnswerWithErrors) {
    append(2'000);
    cluster.answer_produce_with({"NO_ERROR", "NOT_ENOUGH_REPLICAS", "MSG_SIZE_TOO_LARGE",
                                 "NO_ERROR", "NOT_LEADER_FOR_PARTITION", "INVALID_RECORD"});
    EXPECT_EQ(catch_up(), Step::AtEnd);
    EXPECT_TRUE(world.dead().empty());
    expect_order_of_keys(cluster.read("payment.captured", 2'000));
}

TEST_F(KafkaRelayTest, WhatKafkaNeverTakesBecomesADeadLetterAndTheRestGoesOn) {
    world.append("p-1", "payment.captured", "0");
    world.append("p-1", "payment.captured", std::string(1'200'000, 'x'));
    world.append("p-1", "payment.captured", "1");
    EXPECT_EQ(catch_up(), Step::AtEnd);
    ASSERT_EQ(world.dead().size(), 1U);
    EXPECT_EQ(world.dead()[0].error_type, "MSG_SIZE_TOO_LARGE");
    EXPECT_EQ(cluster.read("payment.captured", 2).size(), 2U);
}

TEST_F(KafkaRelayTest, WhileKafkaIsAwayEventsWaitAndThenAllArrive) {
    ProducerOptions impatient;
    impatient.patience = Milliseconds(200);
    restart(impatient);
    append(100);
    cluster.take_down();
    EXPECT_EQ(step(), Step::Failed);
    append(900);
    EXPECT_EQ(step(), Step::Failed);
    EXPECT_EQ(world.offset("kafka"), 0);
    cluster.bring_up();
    restart();
    EXPECT_EQ(catch_up(), Step::AtEnd);
    EXPECT_TRUE(world.dead().empty());
    const auto records = cluster.read("payment.captured", 1'000);
    EXPECT_EQ(records.size(), 1'000U);
    expect_order_of_keys(records);
}

TEST_F(KafkaRelayTest, AProcessThatDiesBeforeItWritesDownSendsAgainUnderTheSameIds) {
    append(10);
    std::vector<broker::Message> messages;
    world.read([&](store::Snapshot& snapshot) {
        messages = broker::read_log(snapshot, {}, {}).messages;
        return 0;
    });
    world.get(relay->relay(messages));
    EXPECT_EQ(catch_up(), Step::AtEnd);
    const auto records = cluster.read("payment.captured", 20);
    EXPECT_EQ(records.size(), 20U);
    expect_order_of_keys(records);
}

}  // namespace
}  // namespace florin::kafka
