#include "platform/broker/consumer_group.h"

#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"

namespace florin::broker {
namespace {

using Step = ConsumerGroup::Step;

class ConsumerGroupTest : public ::testing::Test {
protected:
    /// Waits, on the loop, until the group stands there.
    awaitable<void> until_offset(std::int64_t position, std::string_view group = "ledger") {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(60);
        while (std::chrono::steady_clock::now() < deadline) {
            const auto at = co_await world.store->read(
                [group](store::Snapshot& snapshot) { return offset_of(snapshot, group); });
            if (at.value_or(0) >= position) co_return;
            co_await runtime::sleep_for(Milliseconds(1));
        }
        ADD_FAILURE() << "the group has not come to " << position;
    }
    awaitable<void> run_to(ConsumerGroup& group, std::int64_t position) {
        group.start();
        co_await until_offset(position);
        EXPECT_TRUE(co_await group.stop(Seconds(10)));
    }

    ConsumerWorld world;
    ScriptedConsumer consumer;
};

TEST_F(ConsumerGroupTest, HandlesEachMessageOnceInOrderAndMovesTheOffset) {
    world.append_all({{"p-1"}, {"p-2"}, {"p-1", "payment.refunded"}});
    auto group = world.group_of(consumer);
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.effects(), (ConsumerWorld::Effects{{1, "p-1"}, {2, "p-2"}, {3, "p-1"}}));
    EXPECT_EQ(world.offset(), 3);
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(consumer.calls, 3);
    EXPECT_TRUE(world.shows(R"(florin_consumer_messages_total{group="ledger",result="done"} 3)"));
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="ledger"} 0)"));
}

TEST_F(ConsumerGroupTest, GoesOnAfterARestart) {
    world.append_all({{"p-1"}, {"p-2"}});
    world.catch_up(*world.group_of(consumer));
    world.restart();
    world.append("p-3");
    world.catch_up(*world.group_of(consumer));
    EXPECT_EQ(world.positions(), (std::vector<std::int64_t>{1, 2, 3}));
}

TEST_F(ConsumerGroupTest, GroupsDoNotKnowOfEachOther) {
    world.append_all({{"p-1"}, {"p-2"}});
    ScriptedConsumer other("settlement");
    world.catch_up(*world.group_of(consumer));
    EXPECT_EQ(world.offset("settlement"), -1);
    world.catch_up(*world.group_of(other));
    EXPECT_EQ(world.offset("settlement"), 2);
    EXPECT_EQ(other.calls, 2);
}

TEST_F(ConsumerGroupTest, ANewGroupBeginsAtTheBeginningOrAtTheEndAsToldOnce) {
    world.append_all({{"p-1"}, {"p-2"}});
    ConsumerOptions at_end = ConsumerWorld::quick();
    at_end.start = ConsumerOptions::Start::End;
    EXPECT_EQ(world.catch_up(*world.group_of(consumer, at_end)), Step::AtEnd);
    EXPECT_EQ(consumer.calls, 0);
    world.append("p-3");
    world.catch_up(*world.group_of(consumer, at_end));
    EXPECT_EQ(world.positions(), std::vector<std::int64_t>{3});
    ScriptedConsumer other("settlement");
    world.catch_up(*world.group_of(other));
    EXPECT_EQ(other.calls, 3);
}

TEST_F(ConsumerGroupTest, PassesOtherTopicsWithoutAWriteForEachPage) {
    world.append_all(std::vector<ConsumerWorld::NewEvent>(3'000, {"p-1", "intent.completed"}));
    auto group = world.group_of(consumer);
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.offset(), 0);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="ledger"} 0)"));
    world.append_all(std::vector<ConsumerWorld::NewEvent>(3'000, {"p-1", "intent.completed"}));
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_GT(world.offset(), 4'000) << "pruning may go on";
    world.append("p-2");
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.passed(), 6'001);
    EXPECT_EQ(consumer.calls, 1);
}

TEST_F(ConsumerGroupTest, TellsHowLongTheOldestMessageHasWaited) {
    ScriptedConsumer stumbling("ledger", [](const Message& message) -> Handled {
        if (message.key == "bad") throw std::runtime_error("no such merchant");
        return Handled::done();
    });
    world.append_all({{"p-1"}, {"bad"}});
    world.clock.advance(Seconds(5));
    world.append("p-2");
    world.clock.advance(Seconds(60));
    auto group = world.group_of(stumbling);
    EXPECT_EQ(world.catch_up(*group), Step::Failed);
    EXPECT_EQ(world.catch_up(*group), Step::Failed);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="ledger"} 2)"));
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag_seconds{group="ledger"} 65)"));
    while (world.catch_up(*group) == Step::Failed) {
    }
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="ledger"} 0)"));
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag_seconds{group="ledger"} 0)"));
}

TEST_F(ConsumerGroupTest, ABatchIsBoundedInMessagesAndInTimeOfTheWriter) {
    world.append_all(std::vector<ConsumerWorld::NewEvent>(10, {"p-1"}));
    ConsumerOptions small = ConsumerWorld::quick();
    small.batch_messages_max = 4;
    auto group = world.group_of(consumer, small);
    EXPECT_EQ(world.step(*group), Step::Behind);
    EXPECT_EQ(world.offset(), 4);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="ledger"} 6)"));
    small.batch_time_max = Microseconds(0);
    group = world.group_of(consumer, small);
    EXPECT_EQ(world.step(*group), Step::Behind);
    EXPECT_EQ(world.offset(), 5) << "one message in any case";
    EXPECT_EQ(world.catch_up(*group), Step::AtEnd);
    EXPECT_EQ(world.positions(), (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(ConsumerGroupTest, FollowsAnOffsetThatWasMovedByHand) {
    world.append_all({{"p-1"}, {"p-2"}, {"p-3"}});
    auto group = world.group_of(consumer);
    world.catch_up(*group);
    world.write([](store::Transaction& tx) {
        set_offset(tx, "ledger", 1);
        return 0;
    });
    world.append("p-4");
    world.catch_up(*group);
    EXPECT_EQ(world.positions(), (std::vector<std::int64_t>{1, 2, 3, 2, 3, 4}));
}

TEST_F(ConsumerGroupTest, CatchesUpWithTenThousandEventsAndKeepsTheOrderOfEachKey) {
    constexpr int events = 10'000;
    std::vector<ConsumerWorld::NewEvent> history;
    history.reserve(events);
    for (int i = 0; i < events; ++i) history.push_back({"p-" + std::to_string(i * 31 % 97)});
    world.append_all(history);
    auto group = world.group_of(consumer);
    world.run(run_to(*group, world.last_position()));
    std::map<std::string, std::int64_t> last;
    const auto effects = world.effects();
    EXPECT_EQ(effects.size(), static_cast<std::size_t>(events));
    for (const auto& [position, key] : effects) {
        EXPECT_LT(last[key], position);
        last[key] = position;
    }
    EXPECT_EQ(consumer.calls, events);
}

TEST_F(ConsumerGroupTest, AWakeMakesItLookAtOnce) {
    ConsumerOptions patient = ConsumerWorld::quick();
    patient.look_interval = std::chrono::hours(1);
    auto group = world.group_of(consumer, patient);
    group->start();
    world.run(until_offset(0));
    world.append("p-1");
    group->wake();
    world.run(until_offset(1));
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
}

TEST_F(ConsumerGroupTest, LooksNowAndThenWithoutAWake) {
    ConsumerOptions options = ConsumerWorld::quick();
    options.look_interval = Milliseconds(1);
    auto group = world.group_of(consumer, options);
    group->start();
    world.run(until_offset(0));
    world.append("p-1");
    world.run(until_offset(1));
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
}

TEST_F(ConsumerGroupTest, AStopWaitsForTheBatchUnderWay) {
    auto group = world.group_of(consumer);
    world.catch_up(*group);
    world.append("p-1");
    store::HeldWriter writer(*world.store);
    world.run(writer.hold());
    group->start();
    EXPECT_TRUE(
        world.get(store::eventually([this] { return world.store->state().write_queue > 0; })));
    EXPECT_FALSE(world.get(group->stop(Milliseconds(5))));
    writer.release();
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
    EXPECT_EQ(world.offset(), 1);
    world.append("p-2");
    group->wake();
    world.run(runtime::sleep_for(Milliseconds(1)));
    EXPECT_EQ(world.offset(), 1) << "stopped means stopped";
}

}  // namespace
}  // namespace florin::broker
