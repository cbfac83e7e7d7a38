#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include "platform/kafka/topic_test_world.h"

// What every consumer may rely on, wherever its events come from: the own log or Kafka.
namespace florin::kafka {
namespace {

using broker::Handled;
using broker::Message;
using broker::ScriptedConsumer;

enum class Log : std::uint8_t { Own, Kafka };

/// A group on one of the logs.
class Group {
public:
    Group(TopicWorld& world, Log log, broker::Consumer& consumer, broker::ConsumerOptions options)
        : world_(world) {
        if (log == Log::Own) own_ = world.group_of(consumer, options);
        if (log == Log::Kafka) kafka_ = world.member(consumer, options);
    }
    void step() {
        if (own_) world_.step(*own_);
        if (kafka_) world_.get(kafka_->step());
    }

private:
    TopicWorld& world_;
    std::unique_ptr<broker::ConsumerGroup> own_;
    std::unique_ptr<TopicGroup> kafka_;
};

class DeliveryTest : public ::testing::TestWithParam<Log> {
protected:
    void open(broker::Consumer& reader, broker::ConsumerOptions options = TopicWorld::quick()) {
        group_.reset();
        group_ = std::make_unique<Group>(world, GetParam(), reader, options);
    }
    void close() { group_.reset(); }
    void append(const std::vector<broker::ConsumerWorld::NewEvent>& events) {
        world.append_all(events);
        if (GetParam() == Log::Kafka) world.carry();
    }
    bool until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(60);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            group_->step();
            world.run(runtime::sleep_for(Milliseconds(1)));
        }
        return condition();
    }
    bool effects(std::size_t count) {
        return until([this, count] { return world.effects().size() >= count; });
    }
    [[nodiscard]] bool counted(const std::string& result, int count) const {
        return world.shows("florin_consumer_messages_total{group=\"ledger\",result=\"" + result +
                           "\"} " + std::to_string(count));
    }

    TopicWorld world;
    ScriptedConsumer consumer;

private:
    std::unique_ptr<Group> group_;
};

TEST_P(DeliveryTest, EachMessageIsHandledOnceAndEachKeyInItsOrder) {
    std::vector<broker::ConsumerWorld::NewEvent> events;
    for (int i = 0; i < 1'000; ++i) {
        const bool refund = i % 10 == 9;
        events.push_back(
            {"p-" + std::to_string(i % 7), refund ? "payment.refunded" : "payment.captured", "{}"});
    }
    append(events);
    std::map<std::string, std::int64_t> last;
    consumer.after_effect = [&](const Message& message) {
        const std::string place = message.topic + "/" + message.key;
        EXPECT_LT(last[place], message.position + 1);
        last[place] = message.position + 1;
    };
    open(consumer);
    EXPECT_TRUE(effects(1'000));
    EXPECT_EQ(consumer.calls, 1'000);
    EXPECT_TRUE(counted("done", 1'000));
}

TEST_P(DeliveryTest, WhoComesAfterGoesOnWhereTheLastOneStopped) {
    append({{"p-1"}, {"p-2"}});
    open(consumer);
    EXPECT_TRUE(effects(2));
    close();
    append({{"p-3"}});
    open(consumer);
    EXPECT_TRUE(effects(3));
    EXPECT_EQ(consumer.calls, 3);
}

TEST_P(DeliveryTest, AFaultAfterTheEffectLeavesNoEffectAndIsTriedAgain) {
    int faults = 3;
    consumer.after_effect = [&](const Message& message) {
        if (message.key == "p-2" && faults-- > 0) throw std::runtime_error("out of luck");
    };
    append({{"p-1"}, {"p-2"}, {"p-3"}});
    open(consumer);
    EXPECT_TRUE(effects(3));
    EXPECT_EQ(world.effects().size(), 3U);
    EXPECT_FALSE(counted("fault", 0));
    EXPECT_TRUE(world.dead().empty());
}

TEST_P(DeliveryTest, WhatIsThrownAtTooOftenBecomesADeadLetterAndTheRestGoesOn) {
    ScriptedConsumer stumbling("ledger", [](const Message& message) -> Handled {
        if (message.key == "bad") throw std::runtime_error("no luck at all");
        return Handled::done();
    });
    auto options = TopicWorld::quick();
    options.attempts_max = 3;
    append({{"p-1"}, {"bad"}, {"p-2"}, {"p-3"}});
    open(stumbling, options);
    EXPECT_TRUE(until([&] { return world.effects().size() == 3 && world.dead().size() == 1; }));
    EXPECT_EQ(world.dead()[0].error_type, "HandlerFault");
    EXPECT_EQ(world.dead()[0].attempts, 3);
    EXPECT_EQ(world.dead()[0].message.key, "bad");
    EXPECT_TRUE(counted("dead_letter", 1));
}

TEST_P(DeliveryTest, PoisonIsKeptForAPersonAndARefusalIsCounted) {
    ScriptedConsumer choosy("ledger", [](const Message& message) {
        if (message.key == "poison") return Handled::poison("UnknownPayment", "never heard of it");
        if (message.key == "refused") return Handled::refused("TooLate", "the day is closed");
        return Handled::done();
    });
    append({{"poison"}, {"refused"}, {"p-1"}});
    open(choosy);
    EXPECT_TRUE(until([&] {
        return world.effects().size() == 1 && world.dead().size() == 1 && counted("refused", 1);
    }));
    EXPECT_EQ(world.dead()[0].error_type, "UnknownPayment");
    EXPECT_EQ(world.dead()[0].message.payload, "{}");
    EXPECT_EQ(world.dead()[0].message.topic, "payment.captured");
}

TEST_P(DeliveryTest, ADeadLetterIsHandledByARedriveOnceAndNeverAgain) {
    bool mended = false;
    ScriptedConsumer choosy("ledger", [&](const Message&) {
        return mended ? Handled::done() : Handled::poison("UnknownPayment", "not here yet");
    });
    append({{"p-1"}});
    open(choosy);
    EXPECT_TRUE(until([&] { return world.dead().size() == 1; }));
    mended = true;
    const Uuid id = world.dead()[0].id;
    std::vector<broker::Consumer*> consumers = {&choosy};
    const auto redrive = [&](store::Transaction& tx) {
        return broker::dead_letters::redrive(tx, consumers, id, world.clock.now());
    };
    EXPECT_TRUE(world.write(redrive));
    EXPECT_FALSE(world.write(redrive));
    close();
    append({{"p-2"}});
    open(choosy);
    EXPECT_TRUE(effects(2));
    EXPECT_EQ(world.effects().size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Logs, DeliveryTest, ::testing::Values(Log::Own, Log::Kafka),
                         [](const auto& info) {
                             return info.param == Log::Own ? "OwnLog" : "Kafka";
                         });

}  // namespace
}  // namespace florin::kafka
