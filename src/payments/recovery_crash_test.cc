// What stays when the process ends, or the store refuses, between two steps of the recovery; and
// what several workers do over one store.
#include <memory>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "payments/test_world.h"
#include "platform/broker/dead_letters.h"

namespace florin::payments {
namespace {

const Unknown fault{Unknown::Kind::Fault, "500"};

constexpr store::Sql captured_events(
    "SELECT count(*) FROM outbox WHERE event_type = 'payment.captured'");

void refuse_rows(TestWorld& world, const std::string& table) {
    const bool sqlite = world.database.kind() == store::TestDatabase::Kind::Sqlite;
    world.database.run("CREATE TRIGGER refuse_rows BEFORE INSERT ON " + table +
                       (sqlite ? " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
                               : " FOR EACH ROW SIGNAL SQLSTATE '45000'"
                                 " SET MESSAGE_TEXT = 'refused by the test'"));
}
void take_rows(TestWorld& world) {
    world.database.run("DROP TRIGGER refuse_rows");
}

std::vector<broker::DeadLetter> letters(TestWorld& world) {
    return world.get(
        world.store->read([](store::Snapshot& s) { return broker::dead_letters::list(s, {}); }));
}

/// A payment whose capture the gateway did not answer, due to be recovered now.
Payment unanswered_capture(TestWorld& world) {
    auto payment = world.authorized("remote", 1'000);
    world.fake->answers = {fault};
    EXPECT_TRUE(
        world.get(world.service->change(world.change(Operation::Capture, payment, 800, "c"))));
    world.clock.advance(world.settings.worker_looks_after);
    return payment;
}

std::unique_ptr<Recovery> another_worker(TestWorld& world, runtime::Loop& loop) {
    return std::make_unique<Recovery>(
        loop, *world.store, world.clock, UuidGenerator(world.clock, 4711), *world.gateways,
        world.recovery_options, [] {}, *world.metrics);
}

awaitable<void> until(std::function<bool()> condition) {
    require(co_await store::eventually(std::move(condition)), "it comes to that");
}

awaitable<void> pass(Recovery& worker) {
    co_await worker.recover_due();
    co_await until([&worker] { return worker.under_way() == 0; });
}

/// It was captured once, it was told once, and the ledger agrees.
void expect_captured_once(TestWorld& world, const Payment& payment) {
    EXPECT_EQ(world.stored(payment).state, State::Captured);
    EXPECT_EQ(world.stored(payment).captured, 800);
    EXPECT_EQ(world.stored(payment).due_at, std::nullopt);
    EXPECT_EQ(world.count(captured_events), 1);
    EXPECT_EQ(world.fake->decided.size(), 2U);  // the authorization and the capture
    const auto proof = world.verify();
    EXPECT_EQ(proof.faults, 0);
    EXPECT_EQ(proof.transactions, 2);
    const auto replayed =
        world.get(world.service->change(world.change(Operation::Capture, payment, 800, "c")));
    ASSERT_TRUE(replayed.has_value());
    EXPECT_TRUE(replayed->replayed);
}

// The steps of one recovery, each with what holds the worker there.
struct Moment {
    const char* name;
    bool FakeGateway::* hold;
    int finds;
    int calls;
    std::size_t decided;
};
constexpr Moment moments[] = {
    {"claimed, the gateway not asked yet", &FakeGateway::finds_held, 1, 2, 1},
    {"asked, the call not made yet", &FakeGateway::held, 1, 3, 1},
    {"called and decided, the answer not here yet", &FakeGateway::answers_held, 1, 3, 2},
};

TEST(RecoveryCrash, AfterEachStepTheNextProcessGoesOnWhenTheLeaseIsOver) {
    for (const auto& moment : moments) {
        SCOPED_TRACE(moment.name);
        TestWorld world;
        const auto payment = unanswered_capture(world);
        world.fake->*moment.hold = true;
        world.run(world.recovery->recover_due());
        world.run(until([&] {
            return world.fake->finds == moment.finds && world.fake->calls == moment.calls &&
                   world.fake->decided.size() == moment.decided;
        }));
        const Instant claimed_until = world.clock.now() + world.recovery_options.lease;
        world.restart();
        EXPECT_EQ(world.stored(payment).state, State::CaptureRequested);
        EXPECT_EQ(world.stored(payment).attempts, 1);
        EXPECT_EQ(world.stored(payment).due_at, claimed_until);
        world.advance(world.recovery_options.lease - Milliseconds(1));
        EXPECT_EQ(world.fake->finds, 0) << "the claim of the dead process still stands";
        world.advance(Milliseconds(1));
        EXPECT_EQ(world.fake->calls, moment.decided == 2 ? 0 : 1);
        expect_captured_once(world, payment);
    }
}

TEST(RecoveryCrash, AnAnswerThatCannotBeStoredIsAskedForAgain) {
    TestWorld world;
    auto payment = world.authorized("remote", 1'000);
    world.fake->held = true;
    // The process ends while the request waits for its gateway.
    runtime::spawn(*world.loop, "client", [](TestWorld& w, Payment p) -> awaitable<void> {
        co_await w.service->change(w.change(Operation::Capture, p, 800, "c"));
    }(world, payment));
    world.run(until([&] { return world.fake->calls == 2; }));
    world.restart();
    world.clock.advance(world.settings.worker_looks_after);
    refuse_rows(world, "merchant_idempotency_answer");
    world.advance(Milliseconds(0));
    EXPECT_EQ(world.fake->calls, 1);
    EXPECT_EQ(world.stored(payment).state, State::CaptureRequested);
    EXPECT_EQ(world.count(captured_events), 0);
    EXPECT_EQ(world.verify().transactions, 1) << "nothing of the command stays";
    take_rows(world);
    world.advance(world.recovery_options.lease);
    EXPECT_EQ(world.fake->calls, 1) << "the gateway is asked what it said";
    expect_captured_once(world, payment);
}

TEST(RecoveryCrash, GivingUpAndItsDeadLetterAreOneCommit) {
    TestWorld world;
    const auto payment = unanswered_capture(world);
    world.fake->deaf = true;
    for (int attempt = 1; attempt < world.recovery_options.attempts_max; ++attempt)
        world.advance(world.recovery_options.lease);
    refuse_rows(world, "dead_letter");
    world.advance(world.recovery_options.lease);
    EXPECT_TRUE(letters(world).empty());
    EXPECT_EQ(world.stored(payment).due_at, world.clock.now() + world.recovery_options.lease)
        << "without its dead letter nobody gives up";
    world.restart();
    take_rows(world);
    world.fake->deaf = true;
    world.advance(world.recovery_options.lease);
    EXPECT_EQ(letters(world).size(), 1U);
    EXPECT_EQ(world.stored(payment).due_at, std::nullopt);
    world.restart();  // right after that commit
    world.advance(Milliseconds(3'600'000));
    EXPECT_EQ(world.fake->finds, 0) << "what was given up is left to people";
    EXPECT_EQ(letters(world).size(), 1U);
    EXPECT_EQ(world.stored(payment).state, State::CaptureRequested);
}

TEST(RecoveryCrash, AWorkerThatOutlivesItsLeaseDecidesNothingTwice) {
    TestWorld world;
    const auto payment = unanswered_capture(world);
    world.fake->answers_held = true;
    world.run(world.recovery->recover_due());
    world.run(until([&] { return world.fake->decided.size() == 2; }));
    const auto second = another_worker(world, *world.loop);
    world.clock.advance(world.recovery_options.lease);
    world.run(pass(*second));
    EXPECT_EQ(world.stored(payment).state, State::Captured);
    world.fake->answers_held = false;
    world.run(until([&] { return world.recovery->under_way() == 0; }));
    expect_captured_once(world, payment);
}

TEST(RecoveryCrash, AWorkerThatOutlivesItsLeaseLeavesTheClaimOfTheNextOneAlone) {
    for (const bool last_attempt : {false, true}) {
        SCOPED_TRACE(last_attempt);
        TestWorld world;
        const auto payment = unanswered_capture(world);
        world.fake->deaf = true;
        if (last_attempt) {
            world.advance(Milliseconds(0));
            world.advance(world.recovery_options.lease);
            world.clock.advance(world.recovery_options.lease);
        }
        world.fake->finds_held = true;
        world.run(world.recovery->recover_due());
        world.run(until([&] { return world.fake->finds == (last_attempt ? 3 : 1); }));
        world.fake->deaf = false;  // the first one hears nothing, the second one will
        world.clock.advance(world.recovery_options.lease);
        world.fake->held = true;
        const auto second = another_worker(world, *world.loop);
        world.run(second->recover_due());
        const auto claimed = world.stored(payment);
        world.fake->finds_held = false;
        world.run(until([&] { return world.recovery->under_way() == 0; }));
        EXPECT_EQ(world.stored(payment).due_at, claimed.due_at);
        EXPECT_EQ(world.stored(payment).attempts, claimed.attempts);
        EXPECT_TRUE(letters(world).empty()) << "who lost the claim does not give up";
        world.fake->held = false;
        world.run(until([&] { return second->under_way() == 0; }));
        expect_captured_once(world, payment);
    }
}

TEST(RecoveryCrash, TwoWorkersThatRaceAskAboutEachPaymentOnce) {
    TestWorld world;
    std::vector<Payment> payments;
    for (int i = 0; i < 10; ++i) {
        payments.push_back(world.authorized("remote", 1'000));
        // Answers in between keep the circuit closed.
        for (int j = 0; j < 2; ++j) world.authorized("remote", 10);
        world.fake->answers = {fault};
        EXPECT_TRUE(world.get(
            world.service->change(world.change(Operation::Capture, payments.back(), 800))));
    }
    world.clock.advance(world.settings.worker_looks_after);
    const auto second = another_worker(world, *world.loop);
    runtime::spawn(*world.loop, "second", second->recover_due());
    world.run(world.recovery->recover_due());
    world.run(until([&] {
        return world.fake->finds >= 10 && world.recovery->under_way() + second->under_way() == 0;
    }));
    EXPECT_EQ(world.fake->finds, 10);
    EXPECT_EQ(world.fake->decided.size(), 40U);
    EXPECT_EQ(world.count(captured_events), 10);
    for (const auto& payment : payments) EXPECT_EQ(world.stored(payment).state, State::Captured);
    EXPECT_EQ(world.verify().transactions, 40);
}

TEST(RecoveryCrash, WorkersOnDifferentThreadsGiveUpEachPaymentOnce) {
    TestWorld world;
    constexpr int payments = 12;
    for (int i = 0; i < payments; ++i) {
        EXPECT_FALSE(world.get(world.service->authorize(
            world.authorization("shop", magic_amount::fault, "k" + std::to_string(i)))));
    }
    runtime::Loop other_loop("second");
    const auto second = another_worker(world, other_loop);
    world.clock.advance(world.settings.worker_looks_after);
    for (int attempt = 0; attempt < world.recovery_options.attempts_max; ++attempt) {
        std::jthread other([&] { runtime::run_until_done(other_loop, pass(*second)); });
        world.run(pass(*world.recovery));
        other.join();
        world.clock.advance(world.recovery_options.lease);
    }
    std::set<std::string> given_up;
    for (const auto& letter : letters(world)) {
        EXPECT_EQ(letter.attempts, world.recovery_options.attempts_max);
        EXPECT_TRUE(given_up.insert(letter.message.key).second) << letter.message.key;
    }
    EXPECT_EQ(given_up.size(), static_cast<std::size_t>(payments));
}

}  // namespace
}  // namespace florin::payments
