#include "platform/broker/relay_group.h"

#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"
#include "platform/leases/leases.h"
#include "platform/telemetry/kept_log.h"

namespace florin::broker {
namespace {

using Step = ConsumerGroup::Step;
using Kind = Relayed::Kind;
using Positions = std::vector<std::int64_t>;

/// Another system, whose answers a test decides by position and time.
class ScriptedRelay final : public Relay {
public:
    [[nodiscard]] std::string_view group() const override { return "relay"; }
    [[nodiscard]] std::vector<std::string> topics() const override { return {"payment.captured"}; }
    awaitable<std::vector<Relayed>> relay(std::vector<Message> messages) override {
        ++rounds;
        if (before) co_await before();
        if (away) throw std::runtime_error("nobody is there");
        std::vector<Relayed> results;
        for (const auto& message : messages) {
            carried.push_back(message.position);
            results.push_back({answers[message.position], "Error", "no"});
        }
        co_return results;
    }

    std::map<std::int64_t, Kind> answers;  // Done when it has none
    std::function<awaitable<void>()> before;
    bool away = false;
    int rounds = 0;
    Positions carried;
};

class RelayGroupTest : public ::testing::Test {
protected:
    std::unique_ptr<RelayGroup> group_of(ConsumerOptions options = ConsumerWorld::quick()) {
        return std::make_unique<RelayGroup>(*world.loop, *world.store, relay, world.clock, options,
                                            *world.metrics);
    }
    void append(int count) {
        for (int i = 0; i < count; ++i) world.append("p-1");
    }
    Step step(RelayGroup& group) { return world.get(group.step()); }
    std::int64_t offset() { return world.offset("relay"); }

    ConsumerWorld world;
    ScriptedRelay relay;
};

TEST_F(RelayGroupTest, WhatIsCarriedIsWrittenDownAndNotCarriedAgain) {
    append(3);
    world.append("p-2", "payment.refunded");
    auto group = group_of();
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(relay.carried, (Positions{1, 2, 3}));
    EXPECT_EQ(offset(), 4);
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(step(*group_of()), Step::AtEnd);
    EXPECT_EQ(relay.rounds, 1);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="relay"} 0)"));
}

TEST_F(RelayGroupTest, PagesAreBounded) {
    append(5);
    ConsumerOptions options = ConsumerWorld::quick();
    options.batch_messages_max = 2;
    auto group = group_of(options);
    EXPECT_EQ(step(*group), Step::Behind);
    EXPECT_EQ(relay.carried.size(), 2U);
    EXPECT_EQ(step(*group), Step::Behind);
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(relay.carried.size(), 5U);
}

TEST_F(RelayGroupTest, OnlyWhatWasNotTakenIsTriedAgain) {
    append(4);
    relay.answers[2] = Kind::Failed;
    auto group = group_of();
    EXPECT_EQ(step(*group), Step::Failed);
    EXPECT_EQ(offset(), 1) << "up to the first that is not settled";
    relay.answers.clear();
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(relay.carried, (Positions{1, 2, 3, 4, 2}));
    EXPECT_EQ(offset(), 4);
}

TEST_F(RelayGroupTest, WhatIsNeverTakenBecomesADeadLetterAfterTheLastTry) {
    append(3);
    relay.answers[2] = Kind::Failed;
    ConsumerOptions options = ConsumerWorld::quick();
    options.attempts_max = 3;
    auto group = group_of(options);
    EXPECT_EQ(step(*group), Step::Failed);
    EXPECT_EQ(step(*group), Step::Failed);
    EXPECT_TRUE(world.dead().empty());
    EXPECT_EQ(step(*group), Step::AtEnd);
    ASSERT_EQ(world.dead().size(), 1U);
    const DeadLetter letter = world.dead().front();
    EXPECT_EQ(letter.group, "relay");
    EXPECT_EQ(letter.message.position, 2);
    EXPECT_EQ(letter.error_type, "Error");
    EXPECT_EQ(letter.attempts, 3);
    EXPECT_EQ(offset(), 3);
    EXPECT_TRUE(
        world.shows(R"(florin_consumer_messages_total{group="relay",result="dead_letter"} 1)"));
}

TEST_F(RelayGroupTest, PoisonBecomesADeadLetterAtOnce) {
    append(2);
    relay.answers[1] = Kind::Poison;
    EXPECT_EQ(step(*group_of()), Step::AtEnd);
    EXPECT_EQ(world.dead().size(), 1U);
    EXPECT_EQ(offset(), 2);
}

TEST_F(RelayGroupTest, TheLagGrowsWhileTheOtherSideIsAway) {
    append(3);
    auto group = group_of();
    relay.away = true;
    EXPECT_EQ(step(*group), Step::Failed);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="relay"} 3)"));
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag_seconds{group="relay"} 0)"));
    world.clock.advance(Seconds(90));
    append(4);
    EXPECT_EQ(step(*group), Step::Failed);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="relay"} 7)"));
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag_seconds{group="relay"} 90)"));
    relay.away = false;
    EXPECT_EQ(step(*group), Step::Behind);
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag{group="relay"} 0)"));
    EXPECT_TRUE(world.shows(R"(florin_consumer_lag_seconds{group="relay"} 0)"));
}

TEST_F(RelayGroupTest, WhileTheOtherSideIsAwayNothingIsLostAndNothingIsGivenUp) {
    append(3);
    auto group = group_of();
    relay.away = true;
    for (int i = 0; i < 30; ++i) EXPECT_EQ(step(*group), Step::Failed);
    relay.away = false;
    for (std::int64_t i = 1; i <= 3; ++i) relay.answers[i] = Kind::Later;
    for (int i = 0; i < 30; ++i) EXPECT_EQ(step(*group), Step::Failed);
    EXPECT_EQ(offset(), 0);
    relay.answers.clear();
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(offset(), 3);
    EXPECT_TRUE(world.dead().empty());
}

TEST_F(RelayGroupTest, TheLogTellsWhyMessagesWait) {
    append(3);
    relay.answers[2] = Kind::Later;
    auto group = group_of();
    telemetry::KeptLog log;
    EXPECT_EQ(step(*group), Step::Failed);
    const std::string text = log.end();
    EXPECT_NE(text.find("Messages cannot be carried on yet"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("reason":"no")"), std::string::npos) << text;
}

TEST_F(RelayGroupTest, AProcessThatDiesBeforeItWritesDownCarriesAgain) {
    append(3);
    relay.answers[3] = Kind::Later;
    EXPECT_EQ(step(*group_of()), Step::Failed);
    world.restart();
    relay.answers.clear();
    EXPECT_EQ(step(*group_of()), Step::AtEnd);
    EXPECT_EQ(relay.carried, (Positions{1, 2, 3, 3}));
}

TEST_F(RelayGroupTest, AGroupMayBeginAtTheEnd) {
    append(3);
    ConsumerOptions options = ConsumerWorld::quick();
    options.start = ConsumerOptions::Start::End;
    auto group = group_of(options);
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_TRUE(relay.carried.empty());
    append(1);
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(relay.carried, Positions{4});
}

TEST_F(RelayGroupTest, ARunningGroupCarriesWhatComesAndStopsInOrder) {
    auto group = group_of();
    group->start();
    append(200);
    group->wake();
    EXPECT_TRUE(world.get(store::eventually([&] { return relay.carried.size() == 200; })));
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
    EXPECT_EQ(offset(), 200);
}

TEST_F(RelayGroupTest, AStopDoesNotWaitForTheOtherSideToComeBack) {
    append(1);
    relay.away = true;
    ConsumerOptions options = ConsumerWorld::quick();
    options.backoff = {Seconds(600), Seconds(600)};
    auto group = group_of(options);
    group->start();
    EXPECT_TRUE(world.get(store::eventually([&] { return relay.rounds > 0; })));
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
}

TEST_F(RelayGroupTest, AGroupThatAnotherProcessHasMovedGoesOnFromThere) {
    append(2);
    auto group = group_of();
    EXPECT_EQ(step(*group), Step::AtEnd);
    append(2);
    EXPECT_EQ(step(*group_of()), Step::AtEnd);  // the other process
    EXPECT_EQ(step(*group), Step::Failed) << "it has carried 3 and 4 for nothing, and notices";
    append(1);
    EXPECT_EQ(step(*group), Step::AtEnd);
    EXPECT_EQ(relay.carried, (Positions{1, 2, 3, 4, 3, 4, 5}));
    EXPECT_EQ(offset(), 5);
}

/// Leases that a test gives and takes.
class GivenLeases final : public leases::Leases {
public:
    bool ours(std::string_view /*work*/) override { return given; }
    void leave(std::string_view /*work*/) override {}
    bool given = true;
};

TEST_F(RelayGroupTest, OfTwoProcessesTheOneWithTheLeaseCarriesAndTheOtherGoesOnBehindIt) {
    GivenLeases first_leases;
    GivenLeases second_leases;
    second_leases.given = false;
    ConsumerOptions options = ConsumerWorld::quick();
    options.look_interval = Milliseconds(1);
    options.leases = &first_leases;
    auto first = group_of(options);
    options.leases = &second_leases;
    auto second = group_of(options);
    first->start();
    second->start();
    append(100);
    EXPECT_TRUE(world.get(store::eventually([&] { return relay.carried.size() == 100; })));
    EXPECT_TRUE(world.get(first->stop(Seconds(10))));
    second_leases.given = true;
    append(100);
    EXPECT_TRUE(world.get(store::eventually([&] { return relay.carried.size() == 200; })));
    EXPECT_TRUE(world.get(second->stop(Seconds(10))));
    EXPECT_EQ(relay.carried.back(), 200);
    EXPECT_EQ(offset(), 200);
}

TEST_F(RelayGroupTest, AProcessThatHasLostTheLeaseTellsNothingOfTheGroup) {
    GivenLeases leases;
    ConsumerOptions options = ConsumerWorld::quick();
    options.look_interval = Milliseconds(1);
    options.leases = &leases;
    relay.answers[2] = Kind::Later;
    append(3);
    auto group = group_of(options);
    group->start();
    const auto shows = [&](const char* line) {
        return world.get(store::eventually([&, line] { return world.shows(line); }));
    };
    EXPECT_TRUE(shows(R"(florin_consumer_lag{group="relay"} 2)"));
    leases.given = false;
    EXPECT_TRUE(shows(R"(florin_consumer_lag{group="relay"} 0)")) << "another process tells it now";
    EXPECT_TRUE(world.get(group->stop(Seconds(10))));
}

}  // namespace
}  // namespace florin::broker
