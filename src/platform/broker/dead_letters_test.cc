#include "platform/broker/dead_letters.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"

namespace florin::broker {
namespace {

class DeadLettersTest : public ::testing::Test {
protected:
    Uuid add(const std::string& group = "ledger") {
        UuidGenerator ids(world.clock, ++seed_);
        DeadLetter letter;
        letter.id = ids.next();
        letter.group = group;
        letter.message = {42, ids.next(), "payment.captured", "p-1", "{}", world.clock.now()};
        letter.error_type = "MalformedMessage";
        letter.error_message = "no amount";
        letter.created_at = letter.updated_at = world.clock.now();
        world.write([letter](store::Transaction& tx) {
            dead_letters::insert(tx, letter);
            return 0;
        });
        world.clock.advance(Milliseconds(1));
        return letter.id;
    }
    std::expected<Handled, DeadLetterRefusal> redrive(Consumer& consumer, const Uuid& id) {
        return world.write([&consumer, id, now = world.clock.now()](store::Transaction& tx) {
            Consumer* const consumers[] = {&consumer};
            return dead_letters::redrive(tx, consumers, id, now);
        });
    }
    std::expected<void, DeadLetterRefusal> discard(const Uuid& id) {
        return world.write([id, now = world.clock.now()](store::Transaction& tx) {
            return dead_letters::discard(tx, id, now);
        });
    }
    DeadLetter stored(const Uuid& id) {
        return *world.read(
            [id](store::Snapshot& snapshot) { return dead_letters::find(snapshot, id); });
    }
    std::vector<Uuid> listed(dead_letters::ListQuery query) {
        return world.read([query = std::move(query)](store::Snapshot& snapshot) {
            std::vector<Uuid> ids;
            for (const auto& letter : dead_letters::list(snapshot, query)) ids.push_back(letter.id);
            return ids;
        });
    }

    ConsumerWorld world;

private:
    std::uint64_t seed_ = 0;
};

TEST_F(DeadLettersTest, KeepsTheWholeMessage) {
    const Instant at = world.clock.now();
    const DeadLetter letter = stored(add());
    EXPECT_EQ(letter.group, "ledger");
    EXPECT_EQ(letter.message.position, 42);
    EXPECT_EQ(letter.message.topic, "payment.captured");
    EXPECT_EQ(letter.message.key, "p-1");
    EXPECT_EQ(letter.message.payload, "{}");
    EXPECT_EQ(letter.message.at, at);
    EXPECT_EQ(letter.error_type, "MalformedMessage");
    EXPECT_EQ(letter.error_message, "no amount");
    EXPECT_EQ(letter.attempts, 1);
    EXPECT_EQ(letter.state, DeadLetter::State::Waiting);
    EXPECT_EQ(letter.created_at, at);
}

TEST_F(DeadLettersTest, ListsWhatWaitsNewestFirstPageByPage) {
    const Uuid first = add();
    const Uuid second = add("settlement");
    const Uuid third = add();
    EXPECT_EQ(listed({}), (std::vector{third, second, first}));
    EXPECT_EQ(listed({.group = {}, .before = {}, .limit = 2}), (std::vector{third, second}));
    EXPECT_EQ(listed({.group = {}, .before = second, .limit = 2}), (std::vector{first}));
    EXPECT_EQ(listed({.group = "ledger", .before = {}, .limit = 9}), (std::vector{third, first}));
    EXPECT_TRUE(listed({.group = "nobody", .before = {}, .limit = 9}).empty());
    ASSERT_TRUE(discard(third));
    EXPECT_EQ(listed({}), (std::vector{second, first}));
}

TEST_F(DeadLettersTest, CountsWhatWaits) {
    add("settlement");
    add();
    ASSERT_TRUE(discard(add()));
    const auto counts = world.read(dead_letters::counts);
    ASSERT_EQ(counts.size(), 2U);
    EXPECT_EQ(counts[0].group, "ledger");
    EXPECT_EQ(counts[0].waiting, 1);
    EXPECT_EQ(counts[1].group, "settlement");
    EXPECT_EQ(world.read([](store::Snapshot& snapshot) {
        return dead_letters::count_waiting(snapshot, "ledger");
    }),
              1);
}

TEST_F(DeadLettersTest, ARedriveMakesTheEffectAndClosesTheLetter) {
    const Uuid id = add();
    ScriptedConsumer consumer;
    const auto handled = redrive(consumer, id);
    ASSERT_TRUE(handled);
    EXPECT_EQ(handled->kind, Handled::Kind::Done);
    EXPECT_EQ(world.effects(), (ConsumerWorld::Effects{{42, "p-1"}}));
    EXPECT_EQ(stored(id).state, DeadLetter::State::Handled);
    EXPECT_EQ(stored(id).attempts, 2);
    EXPECT_EQ(stored(id).updated_at, world.clock.now());
}

TEST_F(DeadLettersTest, PoisonAgainStaysWaitingWithTheNewReason) {
    const Uuid id = add();
    ScriptedConsumer consumer(
        "ledger", [](const Message&) { return Handled::poison("UnknownPayment", "no p-1"); });
    for (const int attempts : {2, 3}) {
        const auto handled = redrive(consumer, id);
        ASSERT_TRUE(handled);
        EXPECT_EQ(handled->kind, Handled::Kind::Poison);
        EXPECT_EQ(stored(id).attempts, attempts);
    }
    EXPECT_EQ(stored(id).state, DeadLetter::State::Waiting);
    EXPECT_EQ(stored(id).error_type, "UnknownPayment");
    EXPECT_EQ(stored(id).error_message, "no p-1");
}

TEST_F(DeadLettersTest, ARefusalClosesTheLetterToo) {
    const Uuid id = add();
    ScriptedConsumer consumer(
        "ledger", [](const Message&) { return Handled::refused("AlreadyBooked", "booked"); });
    ASSERT_TRUE(redrive(consumer, id));
    EXPECT_EQ(stored(id).state, DeadLetter::State::Handled);
    EXPECT_TRUE(world.effects().empty());
}

TEST_F(DeadLettersTest, AThrowLeavesTheLetterAsItWas) {
    const Uuid id = add();
    ScriptedConsumer consumer;
    consumer.after_effect = [](const Message&) { throw std::runtime_error("crash"); };
    EXPECT_THROW(redrive(consumer, id), std::runtime_error);
    EXPECT_EQ(stored(id).state, DeadLetter::State::Waiting);
    EXPECT_EQ(stored(id).attempts, 1);
    EXPECT_TRUE(world.effects().empty());
}

TEST_F(DeadLettersTest, OnlyAWaitingLetterOfAServedGroupIsActedOn) {
    ScriptedConsumer consumer;
    EXPECT_EQ(redrive(consumer, Uuid{}).error(), DeadLetterRefusal::NotFound);
    EXPECT_EQ(discard(Uuid{}).error(), DeadLetterRefusal::NotFound);
    EXPECT_EQ(redrive(consumer, add("settlement")).error(), DeadLetterRefusal::NoConsumer);
    const Uuid handled = add();
    ASSERT_TRUE(redrive(consumer, handled));
    EXPECT_EQ(redrive(consumer, handled).error(), DeadLetterRefusal::NotWaiting);
    EXPECT_EQ(discard(handled).error(), DeadLetterRefusal::NotWaiting);
    const Uuid discarded = add();
    ASSERT_TRUE(discard(discarded));
    EXPECT_EQ(stored(discarded).state, DeadLetter::State::Discarded);
    EXPECT_EQ(redrive(consumer, discarded).error(), DeadLetterRefusal::NotWaiting);
    EXPECT_EQ(world.effects().size(), 1U);
}

TEST_F(DeadLettersTest, AreDeletedSomeTimeAfterTheyWereDoneWithButNeverWhileTheyWait) {
    const Uuid waiting = add();
    const Uuid handled = add();
    const Uuid discarded = add();
    const Uuid discarded_later = add();
    ScriptedConsumer consumer;
    ASSERT_TRUE(redrive(consumer, handled));
    ASSERT_TRUE(discard(discarded));
    world.clock.advance(Seconds(1));
    const Instant border = world.clock.now();
    ASSERT_TRUE(discard(discarded_later));
    world.clock.advance(Seconds(1));
    const auto prune = [&](int limit) {
        return world.write([border, limit](store::Transaction& tx) {
            return dead_letters::prune(tx, border, limit);
        });
    };
    EXPECT_EQ(prune(1), 1);
    EXPECT_EQ(prune(10), 1);
    EXPECT_EQ(prune(10), 0);
    const auto kept = [&](const Uuid& id) {
        return world.read([id](store::Snapshot& snapshot) {
            return dead_letters::find(snapshot, id).has_value();
        });
    };
    EXPECT_FALSE(kept(handled));
    EXPECT_FALSE(kept(discarded));
    EXPECT_TRUE(kept(discarded_later));
    EXPECT_TRUE(kept(waiting));
}

}  // namespace
}  // namespace florin::broker
