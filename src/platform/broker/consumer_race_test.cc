#include <thread>

#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"

namespace florin::broker {
namespace {

using Positions = std::vector<std::int64_t>;

Positions up_to(std::int64_t last) {
    Positions all;
    for (std::int64_t position = 1; position <= last; ++position) all.push_back(position);
    return all;
}

TEST(ConsumerRace, WhoComesSecondWithABatchDoesNothing) {
    ConsumerWorld world;
    ScriptedConsumer consumer;
    world.append_all({{"p-1"}, {"p-2"}});
    auto first = world.group_of(consumer);
    auto second = world.group_of(consumer);
    world.step(*first);
    world.catch_up(*second);
    world.append("p-3");
    world.catch_up(*second);
    world.append("p-4");
    EXPECT_EQ(world.step(*first), ConsumerGroup::Step::Behind) << "the group is elsewhere";
    world.catch_up(*first);
    EXPECT_EQ(world.positions(), up_to(4));
    EXPECT_EQ(consumer.calls, 4);
}

/// One instance of a group on a loop and a thread of its own, as in another process.
class Instance {
public:
    Instance(ConsumerWorld& world, Consumer& consumer, ConsumerOptions options)
        : group_(loop_, *world.store, consumer, world.clock, options, *world.metrics) {
        group_.start();
        thread_ = std::jthread([this] { loop_.run(); });
    }
    ~Instance() { runtime::spawn(loop_, "stop", end()); }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    void wake() { group_.wake(); }

private:
    awaitable<void> end() {
        require(co_await group_.stop(Seconds(30)), "the group ends in time");
        loop_.stop();
    }

    runtime::Loop loop_{"instance"};
    ConsumerGroup group_;
    std::jthread thread_;  // joins before the rest goes
};

TEST(ConsumerRace, InstancesOnSeveralThreadsMakeEachEffectOnceInOrder) {
    constexpr std::int64_t rounds = 40;
    constexpr std::int64_t events = 50;
    ConsumerWorld world;
    ScriptedConsumer consumer;
    ConsumerOptions options = ConsumerWorld::quick();
    options.batch_messages_max = 7;
    options.batch_pause = Microseconds(1);
    {
        Instance first(world, consumer, options);
        Instance second(world, consumer, options);
        for (std::int64_t round = 0; round < rounds; ++round) {
            world.append_all(std::vector<ConsumerWorld::NewEvent>(events, {"p-1"}));
            first.wake();
            second.wake();
        }
        EXPECT_TRUE(world.get(
            store::eventually([&consumer] { return consumer.calls >= rounds * events; })));
    }
    EXPECT_EQ(world.positions(), up_to(rounds * events));
    EXPECT_EQ(world.passed(), rounds * events);
}

}  // namespace
}  // namespace florin::broker
