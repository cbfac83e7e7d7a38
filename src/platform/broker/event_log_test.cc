#include "platform/broker/event_log.h"

#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"
#include "platform/broker/pruning.h"

namespace florin::broker {
namespace {

constexpr store::Sql delete_one("DELETE FROM outbox WHERE seq = ?");

class EventLogTest : public ::testing::Test {
protected:
    LogPage page(const LogRange& range, std::vector<std::string> topics = {"payment.captured"}) {
        return world.read([range, topics = std::move(topics)](store::Snapshot& snapshot) {
            return read_log(snapshot, topics, range);
        });
    }
    std::int64_t prune(Instant before, int limit, std::vector<std::string> groups) {
        return world.write([before, limit, groups = std::move(groups)](store::Transaction& tx) {
            return prune_consumed(tx, before, limit, groups);
        });
    }
    void move(std::string group, std::int64_t position) {
        world.write([group = std::move(group), position](store::Transaction& tx) {
            set_offset(tx, group, position);
            return 0;
        });
    }

    ConsumerWorld world;
};

TEST_F(EventLogTest, AnEmptyLogIsAPageWithNothing) {
    const LogPage empty = page({});
    EXPECT_TRUE(empty.messages.empty());
    EXPECT_EQ(empty.position, 0);
    EXPECT_EQ(empty.end, 0);
}

TEST_F(EventLogTest, GivesMessagesAsTheyWereAppended) {
    world.append("p-1", "payment.captured", R"({"a":1})");
    const LogPage one = page({});
    ASSERT_EQ(one.messages.size(), 1U);
    const Message& message = one.messages.front();
    EXPECT_EQ(message.position, 1);
    EXPECT_EQ(message.topic, "payment.captured");
    EXPECT_EQ(message.key, "p-1");
    EXPECT_EQ(message.payload, R"({"a":1})");
    EXPECT_EQ(message.at, world.clock.now());
    EXPECT_NE(message.event_id, Uuid{});
}

TEST_F(EventLogTest, ABacklogCountsEventsAndNotThePlacesThatAreLeftEmpty) {
    world.append_all({{"p-1"}, {"p-2"}});
    const Instant first = world.clock.now();
    world.clock.advance(Seconds(60));
    world.append_all({{"p-3"}, {"p-4"}});
    const auto log = page({}).messages;
    world.write([&](store::Transaction& tx) { return tx.execute(delete_one, log[2].position); });
    const auto after = [&](std::int64_t position) {
        return world.read(
            [=](store::Snapshot& snapshot) { return backlog_after(snapshot, position); });
    };
    EXPECT_EQ(after(0).events, 3);
    EXPECT_EQ(after(0).oldest, first);
    EXPECT_EQ(after(0).end, log[3].position);
    EXPECT_EQ(after(log[1].position).events, 1);
    EXPECT_EQ(after(log[1].position).oldest, world.clock.now());
    EXPECT_EQ(after(log[3].position).events, 0);
    EXPECT_FALSE(after(log[3].position).oldest);
}

TEST_F(EventLogTest, ALongBacklogIsToldByItsPositions) {
    const auto many = static_cast<std::size_t>(backlog_counted_max);
    world.append_all(std::vector<ConsumerWorld::NewEvent>(many + 1, {"p-1"}));
    const auto end = world.last_position();
    const auto backlog =
        world.read([](store::Snapshot& snapshot) { return backlog_after(snapshot, 0); });
    EXPECT_EQ(backlog.events, end);
    EXPECT_EQ(backlog.end, end);
}

TEST_F(EventLogTest, PassesOtherTopicsAndSaysSo) {
    world.append_all({{"p-1"}, {"p-2", "payment.voided"}, {"p-3"}, {"p-4", "payment.voided"}});
    const LogPage all = page({});
    ASSERT_EQ(all.messages.size(), 2U);
    EXPECT_EQ(all.messages.back().position, 3);
    EXPECT_EQ(all.position, 4);
    LogRange two_rows;
    two_rows.rows_max = 2;
    EXPECT_EQ(page(two_rows).messages.size(), 1U);
    EXPECT_EQ(page(two_rows).position, 2);
    EXPECT_EQ(page(two_rows).end, 4);
}

TEST_F(EventLogTest, KeepsToItsRange) {
    world.append_all({{"p-1"}, {"p-2"}, {"p-3"}, {"p-4"}});
    LogRange range;
    range.after = 1;
    range.until = 3;
    const LogPage some = page(range);
    ASSERT_EQ(some.messages.size(), 2U);
    EXPECT_EQ(some.messages.front().position, 2);
    EXPECT_EQ(some.position, 3);
    EXPECT_EQ(some.end, 4);
}

TEST_F(EventLogTest, BoundsMessagesAndBytesButGivesOneInAnyCase) {
    const std::string large(100, 'x');
    world.append_all({{"p-1", "payment.captured", large},
                      {"p-2", "payment.captured", large},
                      {"p-3", "payment.captured", large}});
    LogRange range;
    range.messages_max = 2;
    EXPECT_EQ(page(range).messages.size(), 2U);
    EXPECT_EQ(page(range).position, 2);
    range.bytes_max = 199;
    EXPECT_EQ(page(range).messages.size(), 1U);
    EXPECT_EQ(page(range).position, 1);
    range.bytes_max = 1;
    EXPECT_EQ(page(range).messages.size(), 1U);
}

TEST_F(EventLogTest, EachGroupHasAnOffsetOfItsOwn) {
    EXPECT_EQ(world.offset("a"), -1);
    move("a", 7);
    move("b", 3);
    move("b", 9);
    EXPECT_EQ(world.offset("a"), 7);
    EXPECT_EQ(world.offset("b"), 9);
}

TEST_F(EventLogTest, PruningStopsAtTheGroupThatIsFurthestBehind) {
    world.append_all({{"p-1"}, {"p-2"}, {"p-3"}, {"p-4"}});
    const Instant later = world.clock.now() + Seconds(1);
    move("a", 4);
    EXPECT_EQ(prune(later, 100, {"a", "b"}), 0) << "b has never begun";
    move("b", 2);
    EXPECT_EQ(prune(later, 1, {"a", "b"}), 1);
    EXPECT_EQ(prune(later, 100, {"a", "b"}), 1);
    EXPECT_EQ(prune(later, 100, {"a", "b"}), 0);
    EXPECT_EQ(page({}).messages.front().position, 3);
    EXPECT_EQ(prune(later, 100, {"a"}), 2) << "a group that is gone holds up nothing";
}

TEST_F(EventLogTest, PruningKeepsWhatIsYoung) {
    world.append("p-1");
    world.clock.advance(Seconds(10));
    world.append("p-2");
    move("a", 2);
    EXPECT_EQ(prune(world.clock.now(), 100, {"a"}), 1);
    EXPECT_EQ(page({}).messages.front().key, "p-2");
    EXPECT_EQ(prune(world.clock.now() + Seconds(1), 100, {}), 1) << "no groups: by age alone";
}

}  // namespace
}  // namespace florin::broker
