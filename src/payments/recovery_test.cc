#include "payments/recovery.h"

#include <array>

#include <gtest/gtest.h>

#include "payments/effects.h"
#include "payments/test_world.h"
#include "platform/broker/dead_letters.h"

namespace florin::payments {
namespace {

const Unknown fault{Unknown::Kind::Fault, "500"};

std::vector<broker::DeadLetter> letters(TestWorld& world) {
    return world.get(
        world.store->read([](store::Snapshot& s) { return broker::dead_letters::list(s, {}); }));
}

TEST(Recovery, FinishesWhatTheGatewayDidNotAnswer) {
    TestWorld world;
    world.fake->answers = {fault};
    world.fake->decides_before_it_fails = true;
    const auto request = world.authorization("remote", 900, "k");
    EXPECT_FALSE(world.get(world.service->authorize(request)).has_value());
    world.advance(world.settings.worker_looks_after - Milliseconds(1));
    EXPECT_EQ(world.newest("remote").state, State::Ready);
    world.advance(Milliseconds(1));
    const auto payment = world.newest("remote");
    EXPECT_EQ(payment.state, State::Authorized);
    EXPECT_EQ(payment.gateway_reference, "ref-late");
    EXPECT_EQ(world.fake->calls, 1);  // it was asked, not called again
    const auto replayed = world.get(world.service->authorize(request));
    ASSERT_TRUE(replayed.has_value());
    EXPECT_TRUE(replayed->replayed);
    EXPECT_EQ(replayed->answer.status, 200U);
    EXPECT_EQ(world.verify().transactions, 1);
}

TEST(Recovery, MakesTheCallTheGatewayHasNeverSeen) {
    TestWorld world;
    world.fake->answers = {fault, Declined{"CARD_DECLINED", "no"}};
    const auto request = world.authorization("remote", 900, "k");
    EXPECT_FALSE(world.get(world.service->authorize(request)).has_value());
    world.advance(world.settings.worker_looks_after);
    EXPECT_EQ(world.newest("remote").state, State::AuthFailed);
    EXPECT_EQ(world.fake->calls, 2);
    EXPECT_EQ(world.get(world.service->authorize(request))->answer.status, 402U);
}

// Each step of the way, the process ends; the next one goes on from what is stored.
TEST(Recovery, GoesOnAfterACrashAtEachStep) {
    for (const bool gateway_decided : {false, true}) {
        TestWorld world;
        const auto payment = world.authorized("remote", 1'000);
        world.fake->answers = {fault};
        world.fake->decides_before_it_fails = gateway_decided;
        const auto capture = world.change(Operation::Capture, payment, 800, "c");
        EXPECT_EQ(world.get(world.service->change(capture))->answer.status, 202U);
        world.restart();  // after the request was stored, before its answer was
        EXPECT_EQ(world.stored(payment).state, State::CaptureRequested);
        world.fake->deaf = true;
        world.advance(world.settings.worker_looks_after);
        EXPECT_EQ(world.stored(payment).attempts, 1);
        world.restart();  // after a failed attempt
        world.advance(Milliseconds(60'000));
        EXPECT_EQ(world.stored(payment).state, State::Captured);
        EXPECT_EQ(world.stored(payment).captured, 800);
        const auto proof = world.verify();
        EXPECT_EQ(proof.faults, 0);
        EXPECT_EQ(proof.transactions, 2);
    }
}

TEST(Recovery, ClaimsOfADeadWorkerAreTakenOverWhenTheirLeaseIsOver) {
    TestWorld world;
    const auto payment = world.authorized("remote", 1'000);
    world.fake->answers = {fault};
    EXPECT_TRUE(
        world.get(world.service->change(world.change(Operation::Capture, payment, std::nullopt))));
    world.clock.advance(world.settings.worker_looks_after);
    auto claimed = world.stored(payment);
    const Instant was_due = *claimed.due_at;
    claimed.due_at = world.clock.now() + world.recovery_options.lease;
    EXPECT_TRUE(world.get(world.store->write(
        [&](store::Transaction& tx) { return move_due(tx, claimed, was_due); })));
    world.advance(world.recovery_options.lease - Milliseconds(1));
    EXPECT_EQ(world.stored(payment).state, State::CaptureRequested);
    world.advance(Milliseconds(1));
    EXPECT_EQ(world.stored(payment).state, State::Captured);
}

TEST(Recovery, TheSlowRequestAndTheWorkerDecideOnceTogether) {
    TestWorld world;
    const auto payment = world.authorized("remote", 1'000);
    auto asked = payment;
    EXPECT_TRUE(asked.request_capture(1'000, world.clock.now()));
    world.fake->answers = {fault};
    world.fake->decides_before_it_fails = true;
    EXPECT_TRUE(
        world.get(world.service->change(world.change(Operation::Capture, payment, std::nullopt))));
    world.advance(world.settings.worker_looks_after);
    EXPECT_EQ(world.stored(payment).state, State::Captured);
    // The request's own answer arrives after all.
    const auto late = world.get(world.store->write([&](store::Transaction& tx) {
        return complete(tx, asked, Approved{"ref", "APP"}, world.clock.now(), 300);
    }));
    EXPECT_FALSE(late.has_value());
    EXPECT_EQ(world.verify().transactions, 2);
    EXPECT_TRUE(world.counted("capture", 1));
}

TEST(Recovery, WaitsLongerBetweenAttemptsAndGivesUpInTheDeadLetters) {
    TestWorld world;
    const auto payment = world.authorized("remote", 1'000);
    world.fake->answers = {fault};
    world.fake->deaf = true;
    EXPECT_TRUE(
        world.get(world.service->change(world.change(Operation::Capture, payment, std::nullopt))));
    world.advance(world.settings.worker_looks_after);
    const auto first_wait = *world.stored(payment).due_at - world.clock.now();
    world.advance(first_wait);
    const auto second_wait = *world.stored(payment).due_at - world.clock.now();
    EXPECT_GE(first_wait, Milliseconds(500));
    EXPECT_LE(first_wait, Milliseconds(1'000));
    EXPECT_GE(second_wait, Milliseconds(1'000));
    EXPECT_TRUE(letters(world).empty());
    world.advance(second_wait);
    ASSERT_EQ(letters(world).size(), 1U);
    const auto letter = letters(world).front();
    EXPECT_EQ(letter.group, recovery_group);
    EXPECT_EQ(letter.message.key, payment.id.text());
    EXPECT_EQ(letter.attempts, 3);
    EXPECT_EQ(world.stored(payment).state, State::CaptureRequested);
    world.advance(Milliseconds(3'600'000));
    EXPECT_EQ(world.fake->finds, 3);

    // A person lets it go on.
    world.fake->deaf = false;
    RecoveryRedrive redrive(world.clock);
    const std::array<broker::Consumer*, 1> consumers = {&redrive};
    EXPECT_TRUE(world.get(world.store->write([&](store::Transaction& tx) {
        return broker::dead_letters::redrive(tx, consumers, letter.id, world.clock.now());
    })));
    world.advance(Milliseconds(0));
    EXPECT_EQ(world.stored(payment).state, State::Captured);
    EXPECT_TRUE(letters(world).empty());
}

TEST(Recovery, BoundsTheCallsUnderWay) {
    TestWorld world;
    for (int i = 0; i < 40; ++i) {
        world.fake->answers = {fault};
        EXPECT_FALSE(world.get(
            world.service->authorize(world.authorization("remote", 900, "k" + std::to_string(i)))));
        // Answers in between keep the circuit closed.
        for (int j = 0; j < 3; ++j) world.authorized("remote", 10);
    }
    world.clock.advance(world.settings.worker_looks_after);
    world.fake->held = true;
    world.run(world.recovery->recover_due());
    EXPECT_EQ(world.recovery->under_way(), world.recovery_options.calls_max);
    world.run(world.recovery->recover_due());
    EXPECT_EQ(world.recovery->under_way(), world.recovery_options.calls_max);
    world.fake->held = false;
    for (int i = 0; i < 4; ++i) world.advance(Milliseconds(0));
    EXPECT_EQ(world.verify().transactions, 160);
}

}  // namespace
}  // namespace florin::payments
