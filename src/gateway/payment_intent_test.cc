#include "gateway/payment_intent.h"

#include <gtest/gtest.h>

namespace florin::gateway {
namespace {

const Instant start = instant_from_unix_us(1'700'000'000'000'000);

PaymentIntent planned(Scenario scenario, std::optional<Milliseconds> delay = std::nullopt) {
    ScenarioDice dice(1, 0.5);
    PaymentIntent intent;
    intent.amount = {10'000, Currency::krw()};
    intent.scenario = scenario;
    intent.created_at = start;
    plan(intent, {Milliseconds(1'500), Milliseconds(7'000), Milliseconds(60'000)}, dice, delay);
    return intent;
}

PaymentIntent in_state(PaymentState state) {
    auto intent = planned(Scenario::Approve);
    intent.state = state;
    return intent;
}

TEST(PaymentIntent, IsDueToTheMillisecondAndExpiresItsTimeToLiveLater) {
    struct Case {
        Scenario scenario;
        std::optional<Milliseconds> delay;
        int due_ms;
    };
    for (const auto& [scenario, delay, due_ms] :
         {Case{Scenario::Approve, std::nullopt, 1'500}, Case{Scenario::Fail, std::nullopt, 1'500},
          Case{Scenario::Random, std::nullopt, 1'500}, Case{Scenario::Timeout, std::nullopt, 1'500},
          Case{Scenario::Delay, std::nullopt, 7'000}, Case{Scenario::Delay, Milliseconds(1), 1},
          Case{Scenario::Fail, Milliseconds(0), 0},
          Case{Scenario::Approve, Milliseconds(86'400'000), 86'400'000}}) {
        SCOPED_TRACE(name_of(scenario));
        const auto intent = planned(scenario, delay);
        EXPECT_EQ(intent.due_at, start + Milliseconds(due_ms));
        EXPECT_EQ(intent.expires_at, start + Milliseconds(due_ms + 60'000));
    }
}

TEST(PaymentIntent, SettlesAsItsScenarioSays) {
    struct Case {
        Scenario scenario;
        PaymentState state;
        IntentChange change;
    };
    for (const auto& [scenario, state, change] :
         {Case{Scenario::Approve, PaymentState::Completed, IntentChange::Completed},
          Case{Scenario::Fail, PaymentState::Failed, IntentChange::Failed},
          Case{Scenario::Delay, PaymentState::Completed, IntentChange::Completed},
          Case{Scenario::Timeout, PaymentState::Processing, IntentChange::Processing}}) {
        SCOPED_TRACE(name_of(scenario));
        auto intent = planned(scenario);
        EXPECT_EQ(intent.settle(start + Seconds(9)), change);
        EXPECT_EQ(intent.state, state);
    }
}

TEST(PaymentIntent, OfATimeoutHangsUntilItExpires) {
    auto intent = planned(Scenario::Timeout);
    intent.settle(*intent.due_at);
    EXPECT_EQ(intent.due_at, intent.expires_at);
    EXPECT_EQ(intent.settle(intent.expires_at), IntentChange::Expired);
    EXPECT_EQ(intent.state, PaymentState::Expired);
    EXPECT_FALSE(intent.due_at);
    EXPECT_EQ(intent.settle(intent.expires_at), IntentChange::None);
}

TEST(PaymentIntent, GivesTheSameOutcomeToEveryoneWhoAsksForItAgain) {
    auto intent = planned(Scenario::Fail);
    EXPECT_EQ(intent.process(start), IntentChange::Failed);
    const auto after = intent.updated_at;
    EXPECT_EQ(intent.process(start + Seconds(1)), IntentChange::None);
    EXPECT_EQ(intent.updated_at, after);
    for (const auto state :
         {PaymentState::Cancelled, PaymentState::Refunded, PaymentState::Expired}) {
        EXPECT_EQ(in_state(state).process(start).error(), IntentRefusal::NotProcessable);
    }
}

TEST(PaymentIntent, RefundsInPartsUpToItsAmount) {
    auto intent = planned(Scenario::Approve);
    intent.settle(start);
    const auto won = [](std::int64_t minor) { return Money{minor, Currency::krw()}; };
    EXPECT_EQ(intent.cancel(won(7'000), start), IntentChange::Refunded);
    EXPECT_EQ(intent.state, PaymentState::Completed);
    EXPECT_EQ(intent.cancel(won(3'001), start).error(), IntentRefusal::AmountTooLarge);
    EXPECT_EQ(intent.cancel(won(INT64_MAX), start).error(), IntentRefusal::AmountTooLarge);
    EXPECT_EQ(intent.cancel(won(0), start).error(), IntentRefusal::AmountNotPositive);
    EXPECT_EQ(intent.cancel(Money{1, *Currency::parse("USD")}, start).error(),
              IntentRefusal::CurrencyDiffers);
    EXPECT_EQ(intent.refunded, 7'000);
    EXPECT_EQ(intent.cancel(std::nullopt, start), IntentChange::Refunded);
    EXPECT_EQ(intent.refunded, 10'000);
    EXPECT_EQ(intent.state, PaymentState::Refunded);
}

TEST(PaymentIntent, IsCancelledOnlyWhileUndecided) {
    for (const auto state : {PaymentState::Pending, PaymentState::Processing}) {
        auto intent = in_state(state);
        EXPECT_EQ(intent.cancel(Money{1}, start).error(), IntentRefusal::RefundBeforeOutcome);
        EXPECT_EQ(intent.cancel(std::nullopt, start), IntentChange::Cancelled);
        EXPECT_FALSE(intent.due_at);
    }
    for (const auto state : {PaymentState::Failed, PaymentState::Cancelled, PaymentState::Refunded,
                             PaymentState::Expired}) {
        EXPECT_EQ(in_state(state).cancel(std::nullopt, start).error(),
                  IntentRefusal::NotCancellable);
    }
}

bool allowed(PaymentState from, PaymentState to) {
    if (from == to) return true;
    if (from == PaymentState::Pending || from == PaymentState::Processing)
        return to != PaymentState::Pending && to != PaymentState::Refunded;
    return from == PaymentState::Completed && to == PaymentState::Refunded;
}

IntentChange random_command(PaymentIntent& intent, Random& random, Instant now) {
    switch (random.next() % 4) {
        case 0:
            return intent.settle(now);
        case 1:
            return intent.process(now).value_or(IntentChange::None);
        case 2:
            return intent.cancel(std::nullopt, now).value_or(IntentChange::None);
        default:
            return intent
                .cancel(Money{static_cast<std::int64_t>(random.next() % 12'000) - 1'000}, now)
                .value_or(IntentChange::None);
    }
}

bool is_outcome(IntentChange change) {
    return change == IntentChange::Completed || change == IntentChange::Failed ||
           change == IntentChange::Cancelled || change == IntentChange::Expired;
}

TEST(PaymentIntent, KeepsItsRulesWhateverIsAskedOfIt) {
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        auto intent = planned(*scenario_from(static_cast<int>(random.next() % 5) + 1));
        Instant now = start;
        int outcomes = 0;
        for (int step = 0; step < 25; ++step) {
            const PaymentState before = intent.state;
            now += Milliseconds(random.next() % 5'000);
            const IntentChange change = random_command(intent, random, now);
            outcomes += is_outcome(change) ? 1 : 0;
            ASSERT_TRUE(allowed(before, intent.state)) << name_of(before) << name_of(intent.state);
            ASSERT_LE(outcomes, 1);
            ASSERT_EQ(intent.processed_at.has_value(), outcomes == 1);
            ASSERT_EQ(intent.due_at.has_value(), outcomes == 0);
            ASSERT_GE(intent.refunded, 0);
            ASSERT_LE(intent.refunded, intent.amount.minor);
            ASSERT_EQ(intent.refunded == intent.amount.minor,
                      intent.state == PaymentState::Refunded);
        }
    }
}

TEST(ScenarioDice, RollsTheSameForTheSameSeedAndByItsRate) {
    ScenarioDice dice(42, 0.7);
    ScenarioDice again(42, 0.7);
    int approved = 0;
    for (int roll = 0; roll < 10'000; ++roll) {
        const auto outcome = dice.roll();
        ASSERT_EQ(outcome, again.roll());
        approved += outcome == PaymentState::Completed ? 1 : 0;
    }
    EXPECT_GT(approved, 6'800);
    EXPECT_LT(approved, 7'200);
    ScenarioDice never(1, 0.0);
    ScenarioDice always(1, 1.0);
    EXPECT_EQ(never.roll(), PaymentState::Failed);
    EXPECT_EQ(always.roll(), PaymentState::Completed);
}

TEST(PaymentNames, AreReadAsPeopleAndToolsWriteThem) {
    EXPECT_EQ(parse_scenario("approve"), Scenario::Approve);
    EXPECT_EQ(parse_scenario("PAYMENT_SCENARIO_TIMEOUT"), Scenario::Timeout);
    EXPECT_EQ(parse_scenario("Delay"), Scenario::Delay);
    EXPECT_FALSE(parse_scenario("success"));
    EXPECT_FALSE(parse_scenario(""));
    EXPECT_EQ(name_of(PaymentState::Expired), "PAYMENT_STATUS_EXPIRED");
    Uuid id;
    id.bytes.fill(0xAB);
    EXPECT_EQ(parse_wire_id(wire_id(id)), id);
    EXPECT_FALSE(parse_wire_id(id.text()));
    EXPECT_FALSE(parse_wire_id("pay-xxx"));
}

}  // namespace
}  // namespace florin::gateway
