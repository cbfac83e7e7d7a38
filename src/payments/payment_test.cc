#include "payments/payment.h"

#include <gtest/gtest.h>

#include "platform/base/random.h"

namespace florin::payments {
namespace {

Instant at(std::int64_t seconds) {
    return instant_from_unix_us(1'700'000'000'000'000 + seconds * 1'000'000);
}

Payment ready(std::int64_t amount) {
    Payment payment;
    payment.merchant = "merchant-1";
    payment.amount = amount;
    payment.requested_at = payment.updated_at = at(0);
    return payment;
}

Payment authorized(std::int64_t amount) {
    Payment payment = ready(amount);
    payment.approve(at(1));
    return payment;
}

Payment captured(std::int64_t amount) {
    Payment payment = authorized(amount);
    EXPECT_TRUE(payment.request_capture(amount, at(2)));
    payment.approve(at(3));
    return payment;
}

TEST(Payment, GoesFromAuthorizationThroughCaptureToRefund) {
    auto payment = captured(10'000);
    EXPECT_EQ(payment.state, State::Captured);
    EXPECT_TRUE(payment.request_refund(10'000, "changed their mind", at(4)));
    EXPECT_EQ(payment.state, State::RefundRequested);
    payment.approve(at(5));
    EXPECT_EQ(payment.state, State::Refunded);
    EXPECT_EQ(payment.version, 5);
    EXPECT_EQ(payment.updated_at, at(5));
}

TEST(Payment, CapturesAPartAndThenRefundsOnlyThatPart) {
    auto payment = authorized(10'000);
    EXPECT_TRUE(payment.request_capture(4'000, at(2)));
    payment.approve(at(3));
    EXPECT_EQ(payment.captured, 4'000);
    EXPECT_EQ(payment.request_refund(4'001, "", at(4)).error(), RuleRefusal::AmountTooLarge);
    EXPECT_TRUE(payment.request_refund(3'999, "", at(4)));
    payment.approve(at(5));
    EXPECT_EQ(payment.state, State::PartiallyRefunded);
    EXPECT_TRUE(payment.request_refund(1, "", at(6)));
    payment.approve(at(7));
    EXPECT_EQ(payment.state, State::Refunded);
}

TEST(Payment, KeepsTheReasonOfADeclineAndMayBeAskedAgain) {
    auto payment = authorized(10'000);
    ASSERT_TRUE(payment.request_capture(10'000, at(2)));
    payment.decline("CARD_DECLINED", "no", at(3));
    EXPECT_EQ(payment.state, State::CaptureFailed);
    EXPECT_EQ(payment.failure_code, "CARD_DECLINED");
    ASSERT_TRUE(payment.request_capture(10'000, at(4)));
    payment.approve(at(5));
    EXPECT_EQ(payment.state, State::Captured);
    EXPECT_TRUE(payment.failure_code.empty());
}

TEST(Payment, StaysAuthorizedWhenAVoidIsDeclined) {
    auto payment = authorized(10'000);
    ASSERT_TRUE(payment.request_void("", at(2)));
    payment.decline("VOID_REFUSED", "too late", at(3));
    EXPECT_EQ(payment.state, State::Authorized);
    ASSERT_TRUE(payment.request_void("", at(4)));
    payment.approve(at(5));
    EXPECT_EQ(payment.state, State::Voided);
}

TEST(Payment, RefusesWhatItsStateDoesNotAllowAndStaysAsItWas) {
    auto void_requested = authorized(10);
    ASSERT_TRUE(void_requested.request_void("", at(2)));
    auto refused = ready(10);
    refused.decline("CARD_DECLINED", "no", at(1));
    for (const Payment& before : {ready(10), refused, void_requested}) {
        SCOPED_TRACE(name_of(before.state));
        auto payment = before;
        EXPECT_EQ(payment.request_capture(1, at(9)).error(), RuleRefusal::WrongState);
        EXPECT_EQ(payment.request_refund(1, "", at(9)).error(), RuleRefusal::WrongState);
        EXPECT_EQ(payment.request_void("", at(9)).error(), RuleRefusal::WrongState);
        EXPECT_EQ(payment.version, before.version);
        EXPECT_EQ(payment.state, before.state);
    }
}

TEST(Payment, RefusesAmountsThatAreNotThere) {
    struct Case {
        const char* name;
        std::int64_t amount;
        RuleRefusal refusal;
    };
    for (const auto& [name, amount, refusal] :
         {Case{"zero", 0, RuleRefusal::AmountNotPositive},
          Case{"negative", -1, RuleRefusal::AmountNotPositive},
          Case{"one too many", 10'001, RuleRefusal::AmountTooLarge},
          Case{"overflow", INT64_MAX, RuleRefusal::AmountTooLarge}}) {
        SCOPED_TRACE(name);
        auto capture = authorized(10'000);
        EXPECT_EQ(capture.request_capture(amount, at(2)).error(), refusal);
        auto refund = captured(10'000);
        EXPECT_EQ(refund.request_refund(amount, "", at(4)).error(), refusal);
        EXPECT_EQ(refund.state, State::Captured);
    }
}

TEST(Payment, EveryStateHasAName) {
    for (int number = 1; number <= 12; ++number) {
        const auto state = static_cast<State>(number);
        EXPECT_EQ(state_named(name_of(state)), state);
    }
    EXPECT_EQ(state_named("PAID"), std::nullopt);
}

/// What a payment may never do, checked after each of many random steps.
class RandomPayment {
public:
    explicit RandomPayment(std::uint64_t seed)
        : random_(seed), payment_(ready(1 + static_cast<std::int64_t>(random_.next() % 1'000))) {}

    void step() {
        const Payment before = payment_;
        const std::int64_t part = static_cast<std::int64_t>(random_.next() % 1'200) - 50;
        switch (random_.next() % 5) {
            case 0:
                accepted(before, payment_.request_capture(part, at(1)).has_value());
                break;
            case 1:
                accepted(before, payment_.request_refund(part, "r", at(1)).has_value());
                break;
            case 2:
                accepted(before, payment_.request_void("v", at(1)).has_value());
                break;
            case 3:
                if (is_under_way(payment_.state)) payment_.approve(at(1));
                break;
            default:
                if (is_under_way(payment_.state)) payment_.decline("NO", "no", at(1));
        }
        check(before);
    }

private:
    void accepted(const Payment& before, bool yes) const {
        if (yes) {
            EXPECT_TRUE(is_under_way(payment_.state));
            EXPECT_FALSE(is_under_way(before.state));
        } else {
            EXPECT_EQ(payment_.version, before.version);
            EXPECT_EQ(payment_.state, before.state);
        }
    }
    void check(const Payment& before) const {
        EXPECT_GE(payment_.captured, before.captured);
        EXPECT_GE(payment_.refunded, before.refunded);
        EXPECT_LE(payment_.captured, payment_.amount);
        EXPECT_LE(payment_.refunded, payment_.captured);
        if (before.captured > 0) {
            EXPECT_EQ(payment_.captured, before.captured);
        }
        for (const State terminal : {State::AuthFailed, State::Refunded, State::Voided}) {
            if (before.state == terminal) EXPECT_EQ(payment_.state, terminal);
        }
        const bool money_under_way =
            payment_.state == State::CaptureRequested || payment_.state == State::RefundRequested;
        EXPECT_EQ(payment_.requested > 0, money_under_way);
        EXPECT_EQ(payment_.refunded == payment_.captured && payment_.captured > 0,
                  payment_.state == State::Refunded);
    }

    Random random_;
    Payment payment_;
};

TEST(Payment, NeverBreaksItsInvariantsWhateverIsAskedOfIt) {
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomPayment payment(seed);
        for (int i = 0; i < 60 && !::testing::Test::HasFailure(); ++i) payment.step();
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

}  // namespace
}  // namespace florin::payments
