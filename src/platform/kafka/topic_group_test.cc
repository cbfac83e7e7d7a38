#include "platform/kafka/topic_group.h"

#include <atomic>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "platform/base/faults.h"
#include "platform/broker/pruning.h"
#include "platform/kafka/handled_events.h"
#include "platform/kafka/once_consumer.h"
#include "platform/kafka/topic_test_world.h"

namespace florin::kafka {
namespace {

using broker::Handled;
using broker::Message;
using broker::ScriptedConsumer;

constexpr const char* event = R"({"type":"payment.captured","data":{}})";

class KafkaTopicGroupTest : public ::testing::Test {
protected:
    bool effects_are(TopicGroup& member, std::size_t count) {
        return world.until(member, [&] { return world.effects().size() >= count; });
    }

    /// As a worker does that is to read Kafka from now on.
    void adopt() {
        std::optional<std::int64_t> at = 0;
        while (at) {
            at = world.write([&](store::Transaction& tx) {
                return handled_events::adopt(tx, "ledger", *at, 3, world.clock.now());
            });
        }
    }
    /// Deletes what groups have passed in the own log.
    void prune_log(const std::vector<std::string>& groups) {
        world.write([&](store::Transaction& tx) {
            return broker::prune_consumed(tx, world.clock.now(), 1'000, groups);
        });
    }
    std::int64_t forget_handled(Instant before) {
        return world.write(
            [&](store::Transaction& tx) { return handled_events::prune(tx, before, 100); });
    }

    TopicWorld world;
    ScriptedConsumer consumer;
};

TEST_F(KafkaTopicGroupTest, WhatTheRelaySendsIsHandledOnceAndCommitted) {
    for (int i = 0; i < 50; ++i) world.append("p-" + std::to_string(i % 5));
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(effects_are(*member, 50));
    EXPECT_EQ(consumer.calls, 50);
    EXPECT_TRUE(world.get(member->stop(Seconds(30))));
    EXPECT_EQ(world.committed("payment.captured"), 50);
    EXPECT_TRUE(world.shows(R"(florin_consumer_messages_total{group="ledger",result="done"} 50)"));
}

TEST_F(KafkaTopicGroupTest, WhatIsDeliveredAgainAfterACrashBeforeTheCommitChangesNothing) {
    for (int i = 0; i < 10; ++i) world.append("p-" + std::to_string(i));
    world.carry();
    world.cluster.answer_commit_with(std::vector<std::string>(200, "COORDINATOR_LOAD_IN_PROGRESS"));
    {
        auto dying = world.member(consumer);
        EXPECT_TRUE(effects_are(*dying, 10));
    }
    EXPECT_EQ(world.committed("payment.captured"), 0);
    world.cluster.answer_commit_with({});
    auto member = world.member(consumer);
    EXPECT_TRUE(world.until(*member, [&] {
        return world.shows(R"(florin_consumer_messages_total{group="ledger",result="again"} 10)");
    }));
    EXPECT_EQ(world.effects().size(), 10U);
    EXPECT_EQ(consumer.calls, 10);
}

TEST_F(KafkaTopicGroupTest, ACommitThatIsSentAgainNeverTakesThePlaceOfANewerOne) {
    for (int i = 0; i < 50; ++i) world.append("p-1");
    world.carry();
    world.cluster.answer_commit_with({"COORDINATOR_LOAD_IN_PROGRESS"});
    auto options = broker::ConsumerWorld::quick();
    options.batch_messages_max = 5;
    auto member = world.member(consumer, options);
    EXPECT_TRUE(effects_are(*member, 50));
    EXPECT_TRUE(world.get(member->stop(Seconds(30))));
    EXPECT_EQ(world.committed("payment.captured"), 50);
}

TEST_F(KafkaTopicGroupTest, AMessageThatThrowsHoldsUpItsPartitionAlone) {
    std::atomic<bool> mended{false};
    std::atomic<int> attempts{0};
    ScriptedConsumer stumbling("ledger", [&](const Message& message) -> Handled {
        if (message.key == "bad" && ++attempts > 0 && !mended)
            throw std::runtime_error("no such merchant");
        return Handled::done();
    });
    world.cluster.put("payment.captured", "bad", event, {}, 0);
    world.cluster.put("payment.captured", "behind", event, {}, 0);
    world.cluster.put("payment.captured", "beside", event, {}, 1);
    auto options = broker::ConsumerWorld::quick();
    options.attempts_max = 1'000'000;
    auto member = world.member(stumbling, options);
    EXPECT_TRUE(world.until(*member, [&] { return !world.keys().empty() && attempts > 2; }));
    EXPECT_EQ(world.keys(), (std::vector<std::string>{"beside"}));
    mended = true;
    EXPECT_TRUE(effects_are(*member, 3));
    EXPECT_EQ(world.keys(), (std::vector<std::string>{"beside", "bad", "behind"}));
    EXPECT_TRUE(world.dead().empty());
}

TEST_F(KafkaTopicGroupTest, AMessageThatThrowsTooOftenDies) {
    ScriptedConsumer stumbling("ledger", [](const Message& message) -> Handled {
        if (message.key == "bad") throw std::runtime_error("no such merchant");
        return Handled::done();
    });
    world.cluster.put("payment.captured", "bad", event, {}, 0);
    world.cluster.put("payment.captured", "behind", event, {}, 0);
    auto options = broker::ConsumerWorld::quick();
    options.attempts_max = 3;
    auto member = world.member(stumbling, options);
    EXPECT_TRUE(effects_are(*member, 1));
    EXPECT_EQ(world.keys(), (std::vector<std::string>{"behind"}));
    ASSERT_EQ(world.dead().size(), 1U);
    EXPECT_EQ(world.dead()[0].error_type, "HandlerFault");
    EXPECT_EQ(world.dead()[0].error_message, "no such merchant");
    EXPECT_EQ(world.dead()[0].attempts, 3);
    EXPECT_EQ(world.dead()[0].group, "ledger");
    const auto letters = world.cluster.read("payment.captured.dlq", 1);
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0].value, event);
    std::map<std::string, std::string> headers;
    for (const auto& [name, value] : letters[0].headers) headers[name] = value;
    EXPECT_EQ(headers["dlq-original-topic"], "payment.captured");
    EXPECT_EQ(headers["dlq-original-partition"], "0");
    EXPECT_EQ(headers["dlq-original-offset"], "0");
    EXPECT_EQ(headers["dlq-error-type"], "HandlerFault");
    EXPECT_EQ(headers["dlq-error-message"], "no such merchant");
    EXPECT_EQ(headers["dlq-attempts"], "3");
    EXPECT_FALSE(headers["dlq-time"].empty());
}

TEST_F(KafkaTopicGroupTest, PoisonOfEveryKindDiesAtOnceAndNothingWaitsBehindIt) {
    world.cluster.put("payment.captured", "null", nullptr);
    world.cluster.put("payment.captured", "garbage", "\xff\xfe{]");
    world.cluster.put("payment.captured", "text", "\"just text\"");
    world.cluster.put("payment.captured", "good", event);
    auto member = world.member(consumer);
    EXPECT_TRUE(world.until(
        *member, [&] { return world.dead().size() == 3 && world.effects().size() == 1; }));
    EXPECT_EQ(consumer.calls, 1);
    EXPECT_EQ(world.cluster.read("payment.captured.dlq", 3).size(), 3U);
    EXPECT_TRUE(world.get(member->stop(Seconds(30))));
    EXPECT_EQ(world.committed("payment.captured"), 4);
}

TEST_F(KafkaTopicGroupTest, ATopicFullOfPoisonIsPassedAndLeavesNothingOut) {
    Producer vandal(*world.loop, world.cluster.client(), {}, *world.metrics);
    std::vector<Record> garbage;
    for (int i = 0; i < 3'000; ++i)
        garbage.push_back(
            {"payment.captured", std::to_string(i), "no json", {}, world.clock.now()});
    world.get(vandal.send(garbage));
    world.append("p-1");
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(world.until(*member, [&] {
        return world.effects().size() == 1 &&
               world.shows(
                   R"(florin_consumer_messages_total{group="ledger",result="dead_letter"} 3000)");
    }));
    EXPECT_EQ(world.cluster.read("payment.captured.dlq", 3'000).size(), 3'000U);
}

TEST_F(KafkaTopicGroupTest, AChangeOfTheLogAndBackDoublesNothingAndLeavesNothingOut) {
    OnceConsumer own(consumer, world.clock);
    for (int i = 0; i < 10; ++i) world.append("own-" + std::to_string(i));
    world.catch_up(*world.group_of(own));
    ASSERT_EQ(world.effects().size(), 10U);

    adopt();
    for (int i = 0; i < 10; ++i) world.append("kafka-" + std::to_string(i));
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(effects_are(*member, 20));
    EXPECT_TRUE(world.get(member->stop(Seconds(30))));
    EXPECT_EQ(world.passed(), 10) << "its place in the own log is kept";

    OnceConsumer own_again(consumer, world.clock);
    for (int i = 0; i < 10; ++i) world.append("back-" + std::to_string(i));
    world.catch_up(*world.group_of(own_again));
    EXPECT_EQ(consumer.calls, 30);
    EXPECT_EQ(world.effects().size(), 30U);
}

TEST_F(KafkaTopicGroupTest, WhatTheOwnLogHasForgottenIsNotHandledAgainFromKafka) {
    OnceConsumer own(consumer, world.clock);
    for (int i = 0; i < 10; ++i) world.append("old-" + std::to_string(i));
    world.catch_up(*world.group_of(own));
    world.carry();
    world.clock.advance(std::chrono::hours(2));
    prune_log({"ledger", "kafka"});
    ASSERT_EQ(world.last_position(), 0) << "only Kafka has them now";
    for (int i = 0; i < 4; ++i) world.append("recent-" + std::to_string(i));
    world.catch_up(*world.group_of(own));
    for (int i = 0; i < 5; ++i) world.append("new-" + std::to_string(i));

    adopt();
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(world.until(*member, [&] {
        return world.effects().size() >= 19 &&
               world.shows(R"(florin_consumer_messages_total{group="ledger",result="again"} 14)");
    }));
    EXPECT_EQ(consumer.calls, 19);
    EXPECT_TRUE(world.get(member->stop(Seconds(30))));
}

TEST_F(KafkaTopicGroupTest, OldEventsThatAGroupHasYetToHandleAreHandledAfterTheChange) {
    world.append("handled");
    OnceConsumer own(consumer, world.clock);
    world.catch_up(*world.group_of(own));
    world.append("waits");
    world.clock.advance(std::chrono::hours(2));
    adopt();
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(effects_are(*member, 2));
    EXPECT_EQ(world.keys(), (std::vector<std::string>{"handled", "waits"}));
}

TEST_F(KafkaTopicGroupTest, HandledEventsAreForgottenAfterTheirTimeUnlessTheOwnLogHasThem) {
    const Instant before = world.clock.now();
    world.append("p-1");
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(effects_are(*member, 1));
    world.clock.advance(std::chrono::hours(1));
    EXPECT_EQ(forget_handled(before + Seconds(1)), 0) << "the group may come back to its log";
    prune_log({"kafka"});
    EXPECT_EQ(forget_handled(before), 0);
    EXPECT_EQ(forget_handled(before + Seconds(1)), 1);
}

TEST_F(KafkaTopicGroupTest, AMemberThatCannotHandleAnythingGivesPartitionsToOneThatCan) {
    ScriptedConsumer cut_off(
        "ledger", [](const Message&) -> Handled { throw Unavailable("the database is away"); });
    for (int i = 0; i < 30; ++i) world.append("p-" + std::to_string(i));
    world.carry();
    auto first = world.member(cut_off);
    EXPECT_TRUE(world.until(*first, [&] { return cut_off.calls > 0; }));
    auto second = world.member(consumer);
    EXPECT_TRUE(world.until({first.get(), second.get()}, [&] { return second->partitions() > 0; }));
}

TEST_F(KafkaTopicGroupTest, DeadLettersOfAllPartitionsGoTogether) {
    auto client = world.cluster.client();
    client.properties.emplace_back("topic.metadata.propagation.max.ms", "100");
    world.producer =
        std::make_unique<Producer>(*world.loop, client, ProducerOptions(), *world.metrics);
    world.cluster.forget_topic("payment.captured.dlq");
    for (int i = 0; i < TopicWorld::partitions; ++i)
        world.cluster.put("payment.captured", "poison", "no json", {}, i);
    auto member = world.member(consumer);
    const auto count = [&](const std::string& series) {
        const std::string text = "\n" + world.metrics->scrape();
        const auto at = text.find("\n" + series + " ");
        return at == std::string::npos ? 0 : std::stoi(text.substr(at + series.size() + 2));
    };
    int records = 0;
    int sessions = 0;
    EXPECT_TRUE(world.until(*member, [&] {
        const int records_before =
            std::exchange(records, count(R"(florin_kafka_records_total{result="away"})"));
        const int sessions_before =
            std::exchange(sessions, count("florin_kafka_producer_sessions_total"));
        return records - records_before >= TopicWorld::partitions &&
               records - records_before == (sessions - sessions_before) * TopicWorld::partitions;
    })) << "three in each session, and not one";
    world.cluster.remember_topic("payment.captured.dlq");
    EXPECT_TRUE(world.until(*member, [&] { return world.dead().size() == 3; }));
}

TEST_F(KafkaTopicGroupTest, AMemberStopsWithoutABroker) {
    world.append("p-1");
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(effects_are(*member, 1));
    world.cluster.take_down();
    EXPECT_TRUE(world.get(member->stop(Seconds(2))));
    EXPECT_EQ(member->partitions(), 0U);
}

TEST_F(KafkaTopicGroupTest, TwoMembersShareThePartitionsAndNothingIsDoneTwice) {
    std::vector<broker::ConsumerWorld::NewEvent> events;
    for (int i = 0; i < 2'000; ++i) events.push_back({"p-" + std::to_string(i % 20)});
    world.append_all(events);
    world.carry();
    auto options = broker::ConsumerWorld::quick();
    options.batch_messages_max = 20;  // the rebalance comes in the midst of them
    auto first = world.member(consumer, options);
    EXPECT_TRUE(effects_are(*first, 200));
    auto second = world.member(consumer, options);
    EXPECT_TRUE(world.until({first.get(), second.get()}, [&] {
        return world.effects().size() >= 2'000 && first->partitions() > 0 &&
               second->partitions() > 0;
    }));
    EXPECT_TRUE(world.get(second->stop(Seconds(30))));
    world.append_all(events);
    world.carry();
    // Committed before it leaves, and not only then: while members join, the pretended cluster
    // refuses commits (REBALANCE_IN_PROGRESS), as a broker does not, and one that comes as the next
    // generation begins (ILLEGAL_GENERATION) makes the library give up its partitions and begin
    // them again at their last commit. Then messages that have had their effects come again.
    EXPECT_TRUE(world.until(*first, [&] {
        return world.effects().size() >= 4'000 && world.committed("payment.captured") == 4'000;
    }));
    EXPECT_EQ(world.effects().size(), 4'000U);
    EXPECT_EQ(consumer.calls, 4'000);
    EXPECT_TRUE(world.get(first->stop(Seconds(30))));
    EXPECT_EQ(world.committed("payment.captured"), 4'000);
}

TEST_F(KafkaTopicGroupTest, ABrokerThatGoesAndComesBackHoldsThingsUpAndLosesNothing) {
    for (int i = 0; i < 20; ++i) world.append("p-1");
    world.carry();
    auto member = world.member(consumer);
    EXPECT_TRUE(effects_are(*member, 20));
    world.cluster.take_down();
    for (int i = 0; i < 5; ++i) world.get(member->step());
    world.cluster.bring_up();
    for (int i = 0; i < 20; ++i) world.append("p-2");
    world.carry();
    EXPECT_TRUE(effects_are(*member, 40));
    EXPECT_EQ(consumer.calls, 40);
}

}  // namespace
}  // namespace florin::kafka
