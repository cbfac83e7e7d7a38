#include <gtest/gtest.h>

#include "gateway/retention.h"
#include "gateway/test_world.h"

namespace florin::gateway {
namespace {

constexpr const char* receiver = "http://127.0.0.1:9/hook";
constexpr store::Sql count_events("SELECT count(*) FROM outbox");
constexpr store::Sql count_deliveries("SELECT count(*) FROM webhook_delivery");
constexpr store::Sql count_intents("SELECT count(*) FROM gateway_intent");

const auto encode = [](const PaymentIntent& intent) { return std::string(name_of(intent.state)); };
const auto encode_cancelled = [](const CancelResult& result) {
    return std::string(name_of(result.intent.state));
};

TEST(Gateway, DecidesAPaymentWhenItIsDueAndNotBefore) {
    TestWorld world;
    const auto intent = world.create(Scenario::Approve, receiver);
    world.advance(Milliseconds(1'999));
    EXPECT_EQ(world.stored(intent.id).state, PaymentState::Pending);
    world.advance(Milliseconds(1));
    EXPECT_EQ(world.stored(intent.id).state, PaymentState::Completed);
    EXPECT_EQ(world.count(count_events), 1);
    ASSERT_EQ(world.offered.size(), 1U);
    EXPECT_EQ(world.offered[0].payment_status, static_cast<int>(PaymentState::Completed));
    world.advance(Milliseconds(100'000'000));
    EXPECT_EQ(world.count(count_events), 1);
    EXPECT_EQ(world.count(count_deliveries), 1);
}

TEST(Gateway, TimeoutTellsNobodyUntilItExpires) {
    TestWorld world;
    const auto intent = world.create(Scenario::Timeout, receiver);
    world.advance(Milliseconds(2'000));
    EXPECT_EQ(world.stored(intent.id).state, PaymentState::Processing);
    EXPECT_EQ(world.count(count_events), 0);
    world.advance(Milliseconds(900'000));
    EXPECT_EQ(world.stored(intent.id).state, PaymentState::Expired);
    EXPECT_EQ(world.count(count_events), 1);
    EXPECT_EQ(world.count(count_deliveries), 0);
}

TEST(Gateway, ProcessBeforeTheClockLeavesTheClockNothingToDo) {
    TestWorld world;
    const auto intent = world.create(Scenario::Fail, receiver);
    EXPECT_EQ(world.get(world.payments->process(intent.id, {}, encode)), "PAYMENT_STATUS_FAILED");
    world.advance(Milliseconds(5'000));
    EXPECT_EQ(world.count(count_events), 1);
    EXPECT_EQ(world.count(count_deliveries), 1);
    EXPECT_EQ(world.get(world.payments->process(intent.id, {}, encode)), "PAYMENT_STATUS_FAILED");
    EXPECT_EQ(world.count(count_events), 1);
}

TEST(Gateway, TheClockBeforeCancelMakesItARefund) {
    TestWorld world;
    const auto intent = world.create(Scenario::Approve, receiver);
    world.advance(Milliseconds(2'000));
    EXPECT_EQ(world.get(world.payments->cancel(intent.id, std::nullopt, "", {}, encode_cancelled)),
              "PAYMENT_STATUS_REFUNDED");
    EXPECT_EQ(world.count(count_deliveries), 1);
}

TEST(Gateway, CancelBeforeTheClockIsTheOnlyOutcome) {
    TestWorld world;
    const auto intent = world.create(Scenario::Approve, receiver);
    EXPECT_EQ(world.get(world.payments->cancel(intent.id, std::nullopt, "", {}, encode_cancelled)),
              "PAYMENT_STATUS_CANCELLED");
    world.advance(Milliseconds(5'000));
    EXPECT_EQ(world.stored(intent.id).state, PaymentState::Cancelled);
    EXPECT_EQ(world.count(count_deliveries), 0);
}

// The clock has read the payment as due; before its command runs, somebody else decides.
TEST(Gateway, WhoeverDecidesFirstDecidesAlone) {
    TestWorld world;
    const auto intent = world.create(Scenario::Approve, receiver);
    auto late = intent;
    const Instant due = *late.due_at;
    late.settle(due);
    EXPECT_EQ(world.get(world.payments->cancel(intent.id, std::nullopt, "", {}, encode_cancelled)),
              "PAYMENT_STATUS_CANCELLED");
    const bool stored = world.get(world.store->write(
        [&](store::Transaction& tx) { return update_due_intent(tx, late, due); }));
    EXPECT_FALSE(stored);
    EXPECT_EQ(world.stored(intent.id).state, PaymentState::Cancelled);
}

TEST(Gateway, ARestartForgetsNothing) {
    TestWorld world;
    const auto pending = world.create(Scenario::Approve, receiver);
    world.restart();
    EXPECT_EQ(world.stored(pending.id).state, PaymentState::Pending);
    world.advance(Milliseconds(60'000));
    EXPECT_EQ(world.stored(pending.id).state, PaymentState::Completed);
    world.restart();
    EXPECT_EQ(world.stored(pending.id).state, PaymentState::Completed);
    EXPECT_EQ(world.count(count_deliveries), 1);
}

TEST(Gateway, MoreThanABatchIsSettledInOnePass) {
    TestWorld world;
    for (int i = 0; i < 1'100; ++i) world.create(Scenario::Approve);
    world.advance(Milliseconds(2'000));
    EXPECT_EQ(world.count(count_events), 1'100);
}

awaitable<void> create_twin(TestWorld& world, std::string answer, std::set<std::string>& answers,
                            int& left, runtime::Completion& all_done) {
    PaymentIntent request;
    request.reservation_id = "rsv-1";
    request.user_id = "user-1";
    request.amount = {10'000, Currency::krw()};
    auto intent = world.payments->prepare(std::move(request), std::nullopt);
    const auto got = co_await world.payments->create(
        std::move(intent), {"create:user-1", "key", "same request"}, answer);
    answers.insert(got.value());
    if (--left == 0) world.loop->complete(&all_done);
}

awaitable<void> create_twins(TestWorld& world, int count, std::set<std::string>& answers) {
    runtime::Completion all_done;
    int left = count;
    co_await all_done.wait([&] {
        for (int i = 0; i < count; ++i) {
            runtime::spawn(
                *world.loop, "twin",
                create_twin(world, "answer " + std::to_string(i), answers, left, all_done));
        }
    });
}

TEST(Idempotency, AThousandConcurrentTwinsMakeOnePayment) {
    TestWorld world;
    std::set<std::string> answers;
    world.run(create_twins(world, 1'000, answers));
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(world.count(count_intents), 1);
}

TEST(Idempotency, RefusesTheKeyForAnotherRequestUntilItIsForgotten) {
    TestWorld world;
    std::set<std::string> answers;
    world.run(create_twins(world, 1, answers));
    const auto try_other = [&] {
        auto intent = world.create(Scenario::Approve);
        return world.get(world.payments->create(world.payments->prepare(intent, std::nullopt),
                                                {"create:user-1", "key", "other request"},
                                                "other"));
    };
    EXPECT_EQ(try_other().error(), ServiceRefusal::IdempotencyConflict);
    world.clock.advance(world.settings.idempotency_time_to_live);
    EXPECT_EQ(try_other().value(), "other");
}

TEST(Listing, PagesStayTheSameWhileNewPaymentsArrive) {
    TestWorld world;
    std::vector<Uuid> mine;
    for (int i = 0; i < 9; ++i) {
        mine.insert(mine.begin(), world.create(Scenario::Approve, "", "me").id);
        world.create(Scenario::Approve, "", "you");
    }
    std::vector<Uuid> seen;
    IntentFilter filter;
    filter.user_id = "me";
    filter.limit = 4;
    for (bool more = true; more;) {
        const auto page = world.get(world.payments->list(filter));
        for (const auto& intent : page.intents) seen.push_back(intent.id);
        filter.after = page.cursor;
        more = page.more;
        world.create(Scenario::Approve, "", "me");
    }
    EXPECT_EQ(seen, mine);
}

TEST(Listing, FiltersByStateAndReservation) {
    TestWorld world;
    world.create(Scenario::Approve);
    world.create(Scenario::Fail);
    world.advance(Milliseconds(2'000));
    world.create(Scenario::Approve);
    IntentFilter filter;
    filter.state = PaymentState::Failed;
    EXPECT_EQ(world.get(world.payments->list(filter)).intents.size(), 1U);
    filter.state = std::nullopt;
    filter.reservation_id = "rsv-1";
    EXPECT_EQ(world.get(world.payments->list(filter)).total, 3);
    filter.reservation_id = "nobody's";
    EXPECT_EQ(world.get(world.payments->list(filter)).total, 0);
}

TEST(Retention, DeletesWhatIsOldAndFinishedAndKeepsTheRest) {
    TestWorld world;
    const auto finished = world.create(Scenario::Approve);
    const auto hanging = world.create(Scenario::Timeout);
    world.advance(Milliseconds(2'000));
    store::Pruning pruning(*world.loop, *world.store, world.clock,
                           prune_rules({std::chrono::hours(1), Milliseconds(1'000)}),
                           *world.metrics);
    EXPECT_EQ(world.get(pruning.prune_once()), 0);
    world.clock.advance(std::chrono::hours(2));
    const auto fresh = world.create(Scenario::Approve);
    EXPECT_EQ(world.get(pruning.prune_once()), 1);
    EXPECT_FALSE(world.get(world.payments->find(finished.id, "")));
    EXPECT_TRUE(world.get(world.payments->find(hanging.id, "")));
    EXPECT_TRUE(world.get(world.payments->find(fresh.id, "")));
}

TEST(SimulateWebhook, NeedsAReceiverAndSomethingToTell) {
    TestWorld world;
    const auto silent = world.create(Scenario::Approve);
    const auto told = world.create(Scenario::Approve, receiver);
    EXPECT_EQ(
        world.get(world.payments->simulate_webhook(silent.id, PaymentState::Failed, Seconds(0)))
            .error(),
        ServiceRefusal::NoWebhookUrl);
    EXPECT_EQ(
        world.get(world.payments->simulate_webhook(told.id, std::nullopt, Seconds(0))).error(),
        ServiceRefusal::NothingToTell);
    const auto sent =
        world.get(world.payments->simulate_webhook(told.id, PaymentState::Failed, Seconds(5)));
    ASSERT_TRUE(sent);
    EXPECT_FALSE(sent->sent_now);
    ASSERT_EQ(world.offered.size(), 1U);
    EXPECT_TRUE(world.offered[0].simulated);
    EXPECT_EQ(world.stored(told.id).state, PaymentState::Pending);
}

}  // namespace
}  // namespace florin::gateway
