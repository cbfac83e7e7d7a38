#include "settlement/statement.h"

#include <limits>

#include <gtest/gtest.h>

#include "platform/base/random.h"

namespace florin::settlement {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
const Instant now = instant_from_unix_us(1'800'000'000'000'000);

ledger::Walked capture(std::int64_t number, std::int64_t amount, std::int64_t fee) {
    return {number, 1, number, ledger::Movement::Capture,
            ledger::capture_entries(amount, amount, fee)};
}
ledger::Walked refund(std::int64_t number, std::int64_t amount) {
    return {number, 1, number, ledger::Movement::Refund, ledger::refund_entries(amount)};
}

Turnover turnover(const std::vector<ledger::Walked>& postings) {
    Turnover sum;
    for (const auto& posting : postings) EXPECT_TRUE(sum.add(posting));
    return sum;
}

Statement statement(BusinessDay day, const Carried& before, const Turnover& sum) {
    return make_statement({1, "shop-1", Currency::krw(), day}, before, sum, now);
}

// The numbers of docs/settlement.md.
TEST(Statement, PaysWhatWasTakenLessRefundsAndFees) {
    const auto s = statement(
        {20'000}, {},
        turnover({capture(2, 50'000, 1'500), capture(4, 30'000, 900), refund(5, 10'000)}));
    EXPECT_EQ(s.captures, (Line{2, 80'000}));
    EXPECT_EQ(s.refunds, (Line{1, 10'000}));
    EXPECT_EQ(s.fees, 2'400);
    EXPECT_EQ(s.net, 67'600);
    EXPECT_EQ(s.paid, 67'600);
    EXPECT_EQ(s.received, 70'000);
    const auto payout = payout_of(s);
    ASSERT_TRUE(payout.has_value());
    EXPECT_EQ(payout->subject, s.id);
    EXPECT_EQ(payout->entries, ledger::settle_entries(70'000, 67'600));
}

// The second day of docs/settlement.md, and the third.
TEST(Statement, CarriesANegativeNetOverUntilItIsEarned) {
    const auto monday = statement({20'000}, {}, turnover({refund(9, 20'000)}));
    EXPECT_EQ(monday.net, -20'000);
    EXPECT_EQ(monday.paid, 0);
    EXPECT_FALSE(payout_of(monday).has_value());
    const auto tuesday =
        statement({20'001}, monday.carried_forward(), turnover({capture(12, 25'000, 750)}));
    EXPECT_EQ(tuesday.carried_over, -20'000);
    EXPECT_EQ(tuesday.after_number, 9);
    EXPECT_EQ(tuesday.net, 4'250);
    EXPECT_EQ(tuesday.received, 5'000);
    EXPECT_EQ(tuesday.paid, 4'250);
    EXPECT_EQ(tuesday.carried_forward().payable, 0);
    EXPECT_EQ(tuesday.carried_forward().receivable, 0);
}

TEST(Statement, PaysNothingWhenTheFeeIsAllThereIs) {
    const auto s = statement({20'000}, {}, turnover({capture(2, 100, 100)}));
    EXPECT_EQ(s.net, 0);
    EXPECT_FALSE(payout_of(s).has_value());
    const auto next = statement({20'001}, s.carried_forward(), turnover({capture(4, 50, 10)}));
    EXPECT_EQ(next.received, 150) << "what the gateway pays out for both";
    EXPECT_EQ(next.paid, 40);
}

TEST(Statement, HasAnIdOfItsOwnForEachMerchantCurrencyAndDay) {
    const auto id = [](const char* merchant, const char* currency, std::int32_t day) {
        return make_statement({1, merchant, *Currency::parse(currency), {day}}, {}, {}, now).id;
    };
    const Uuid one = id("shop-1", "KRW", 20'000);
    EXPECT_EQ(one, id("shop-1", "KRW", 20'000));
    EXPECT_NE(one, id("shop-2", "KRW", 20'000));
    EXPECT_NE(one, id("shop-1", "USD", 20'000));
    EXPECT_LT(one, id("shop-0", "KRW", 20'001));
    EXPECT_GE(one, first_statement_id({20'000}));
    EXPECT_LT(one, first_statement_id({20'001}));
}

TEST(Statement, TurnoverStopsBeforeASumLeavesSixtyThreeBits) {
    Turnover sum = turnover({capture(1, most, 0), refund(2, most)});
    EXPECT_FALSE(sum.add(capture(3, 1, 0)));
    EXPECT_EQ(sum.captures, (Line{1, most}));
    EXPECT_EQ(sum.through_number, 2);
    EXPECT_EQ(statement({20'000}, {}, sum).net, 0);
}

TEST(Statement, AMonthOfThemComesToTheSameAsOneBigOne) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        const auto below = [&random](std::int64_t limit) {
            return static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(limit));
        };
        Turnover all;
        Carried carried;
        std::int64_t paid = 0;
        std::int64_t received = 0;
        std::int64_t number = 0;
        for (std::int32_t day = 0; day < 30; ++day) {
            Turnover sum;
            for (auto left = below(20); left > 0; --left) {
                const std::int64_t amount = below(1'000'000) + 1;
                const auto posting = below(3) == 0 ? refund(++number, amount)
                                                   : capture(++number, amount, below(amount));
                ASSERT_TRUE(sum.add(posting));
                ASSERT_TRUE(all.add(posting));
            }
            if (!sum.moved_money()) continue;
            const auto s = statement({20'000 + day}, carried, sum);
            carried = s.carried_forward();
            EXPECT_LE(carried.payable, 0);
            EXPECT_GE(s.received, s.paid);
            paid += s.paid;
            received += s.received;
        }
        const auto big = statement({20'000}, {}, all);
        EXPECT_EQ(paid + carried.payable, big.net);
        EXPECT_EQ(received + carried.receivable, big.captures.amount - big.refunds.amount);
    }
}

}  // namespace
}  // namespace florin::settlement
