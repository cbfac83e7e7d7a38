#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

#include "platform/base/faults.h"
#include "platform/broker/consumer_test_world.h"
#include "platform/broker/pruning.h"

namespace florin::broker {
namespace {

using Step = ConsumerGroup::Step;
using Positions = std::vector<std::int64_t>;

/// A consumer whose answer to a message is its payload.
Handled obey(const Message& message) {
    if (message.payload == "poison") return Handled::poison("MalformedMessage", "not JSON");
    if (message.payload == "refuse") return Handled::refused("AlreadyRefunded", "nothing left");
    if (message.payload == "fault") throw std::runtime_error("division by zero");
    return Handled::done();
}

class ConsumerFaultsTest : public ::testing::Test {
protected:
    void append(std::string payload) {
        world.append("p-1", "payment.captured", std::move(payload));
    }
    static ConsumerOptions attempts(int max) {
        ConsumerOptions options = ConsumerWorld::quick();
        options.attempts_max = max;
        return options;
    }

    ConsumerWorld world;
    ScriptedConsumer consumer{"ledger", obey};
};

TEST_F(ConsumerFaultsTest, PoisonBecomesADeadLetterAtOnceAndHoldsUpNobody) {
    for (const char* payload : {"{}", "poison", "{}"}) append(payload);
    auto group = world.group_of(consumer);
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.positions(), (Positions{1, 3}));
    EXPECT_EQ(world.offset(), 3);
    ASSERT_EQ(world.dead().size(), 1U);
    const DeadLetter letter = world.dead().front();
    EXPECT_EQ(letter.group, "ledger");
    EXPECT_EQ(letter.message.position, 2);
    EXPECT_EQ(letter.message.payload, "poison");
    EXPECT_EQ(letter.message.at, world.clock.now());
    EXPECT_EQ(letter.error_type, "MalformedMessage");
    EXPECT_EQ(letter.error_message, "not JSON");
    EXPECT_EQ(letter.attempts, 1);
    EXPECT_EQ(letter.created_at, world.clock.now());
    world.step(*group);
    EXPECT_TRUE(world.shows(R"(florin_dead_letters{group="ledger"} 1)"));
    EXPECT_TRUE(
        world.shows(R"(florin_consumer_messages_total{group="ledger",result="dead_letter"} 1)"));
}

TEST_F(ConsumerFaultsTest, ManyPoisonsOfOneBatchAreAllKept) {
    for (int i = 0; i < 50; ++i) append("poison");
    EXPECT_EQ(world.catch_up(*world.group_of(consumer)), Step::AtEnd);
    EXPECT_EQ(world.dead().size(), 50U);
    EXPECT_EQ(consumer.calls, 50);
}

TEST_F(ConsumerFaultsTest, ARefusalIsCountedAndPassed) {
    for (const char* payload : {"refuse", "{}", "refuse"}) append(payload);
    EXPECT_EQ(world.catch_up(*world.group_of(consumer)), Step::AtEnd);
    EXPECT_EQ(world.positions(), Positions{2});
    EXPECT_EQ(world.offset(), 3);
    EXPECT_TRUE(world.dead().empty());
    EXPECT_TRUE(
        world.shows(R"(florin_consumer_messages_total{group="ledger",result="refused"} 2)"));
}

TEST_F(ConsumerFaultsTest, ACrashAfterTheEffectLeavesNeitherEffectNorOffset) {
    std::atomic<bool> crash{true};
    consumer.after_effect = [&crash](const Message& message) {
        if (message.payload == "third" && crash) throw std::runtime_error("crash");
    };
    for (const char* payload : {"{}", "{}", "third", "{}"}) append(payload);
    auto group = world.group_of(consumer);
    EXPECT_EQ(world.step(*group), Step::Failed);
    EXPECT_TRUE(world.effects().empty());
    EXPECT_EQ(world.offset(), 0);
    crash = false;
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.positions(), (Positions{1, 2, 3, 4}));
}

TEST_F(ConsumerFaultsTest, AProcessThatDiesBetweenBatchesRepeatsNothing) {
    for (int i = 0; i < 10; ++i) append("{}");
    ConsumerOptions small = ConsumerWorld::quick();
    small.batch_messages_max = 3;
    for (int life = 0; life < 4; ++life) {
        world.step(*world.group_of(consumer, small));
        world.restart();
    }
    EXPECT_EQ(world.positions(), (Positions{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(ConsumerFaultsTest, AMessageThatThrowsIsTriedAloneAndThenGivenUp) {
    for (const char* payload : {"{}", "{}", "fault", "{}"}) append(payload);
    auto group = world.group_of(consumer, attempts(3));
    EXPECT_EQ(world.step(*group), Step::Failed);  // all four together
    EXPECT_EQ(world.offset(), 0);
    EXPECT_EQ(world.step(*group), Step::Behind);  // what comes before it
    EXPECT_EQ(world.positions(), (Positions{1, 2}));
    EXPECT_EQ(world.step(*group), Step::Failed);
    EXPECT_EQ(world.step(*group), Step::Failed);
    EXPECT_TRUE(world.dead().empty());
    const int calls = consumer.calls;
    EXPECT_EQ(world.step(*group), Step::Behind);
    EXPECT_EQ(consumer.calls, calls) << "it is not tried a fourth time";
    EXPECT_EQ(world.offset(), 3);
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.positions(), (Positions{1, 2, 4}));
    ASSERT_EQ(world.dead().size(), 1U);
    const DeadLetter letter = world.dead().front();
    EXPECT_EQ(letter.message.position, 3);
    EXPECT_EQ(letter.error_type, "HandlerFault");
    EXPECT_EQ(letter.error_message, "division by zero");
    EXPECT_EQ(letter.attempts, 3);
    EXPECT_TRUE(world.shows(R"(florin_consumer_messages_total{group="ledger",result="fault"} 3)"));
}

TEST_F(ConsumerFaultsTest, AStatementThatTheSchemaForbidsIsTheMessagesFault) {
    ScriptedConsumer forbidden("ledger", [](const Message&) -> Handled {
        throw store::StatementRefused("UNIQUE constraint failed");
    });
    append("{}");
    auto group = world.group_of(forbidden, attempts(2));
    EXPECT_EQ(world.step(*group), Step::Failed);
    EXPECT_EQ(world.step(*group), Step::Failed);
    EXPECT_EQ(world.step(*group), Step::AtEnd);
    EXPECT_EQ(world.dead().size(), 1U);
}

TEST_F(ConsumerFaultsTest, SeveralMessagesThatThrowAreGivenUpOneAfterTheOther) {
    for (const char* payload : {"fault", "{}", "fault", "fault", "{}"}) append(payload);
    auto group = world.group_of(consumer, attempts(2));
    for (int steps = 0; world.step(*group) != Step::AtEnd; ++steps) ASSERT_LT(steps, 50);
    EXPECT_EQ(world.positions(), (Positions{2, 5}));
    EXPECT_EQ(world.dead().size(), 3U);
    EXPECT_EQ(world.offset(), 5);
}

TEST_F(ConsumerFaultsTest, AFaultOfTheStoreIsTriedForEver) {
    std::atomic<bool> gone{true};
    ScriptedConsumer unlucky("ledger", [&gone](const Message&) {
        if (gone) throw Unavailable("the disk is full");
        return Handled::done();
    });
    append("{}");
    auto group = world.group_of(unlucky, attempts(2));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(world.step(*group), Step::Failed);
    gone = false;
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.positions(), Positions{1});
    EXPECT_TRUE(world.dead().empty());
}

TEST_F(ConsumerFaultsTest, ASuspectThatWasPrunedIsForgotten) {
    append("fault");
    auto group = world.group_of(consumer);
    EXPECT_EQ(world.step(*group), Step::Failed);
    world.write([](store::Transaction& tx) { return prune_consumed(tx, Instant::max(), 1, {}); });
    append("{}");
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.positions(), Positions{1}) << "the only event that is left";
}

TEST_F(ConsumerFaultsTest, ARunningGroupComesThroughFaultsByItself) {
    for (int i = 0; i < 300; ++i) {
        append(i % 100 == 50 ? "fault" : i % 100 == 60 ? "poison" : "{}");
    }
    auto group = world.group_of(consumer, attempts(3));
    group->start();
    const std::string all_done =
        R"(florin_consumer_messages_total{group="ledger",result="done"} 294)";
    EXPECT_TRUE(world.get(store::eventually([&] { return world.shows(all_done); })));
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
    EXPECT_EQ(world.effects().size(), 294U);
    EXPECT_EQ(world.dead().size(), 6U);
    EXPECT_EQ(world.offset(), 300);
}

TEST_F(ConsumerFaultsTest, ADeadLetterOfABatchCanBeRedriven) {
    append("fault");
    auto group = world.group_of(consumer, attempts(1));
    EXPECT_EQ(world.step(*group), Step::Failed);
    EXPECT_EQ(world.step(*group), Step::AtEnd);
    ScriptedConsumer repaired;
    const auto handled = world.write(
        [&repaired, id = world.dead().front().id, now = world.clock.now()](store::Transaction& tx) {
            Consumer* const consumers[] = {&repaired};
            return dead_letters::redrive(tx, consumers, id, now);
        });
    ASSERT_TRUE(handled);
    EXPECT_EQ(world.positions(), Positions{1});
    EXPECT_TRUE(world.dead().empty());
}

}  // namespace
}  // namespace florin::broker
