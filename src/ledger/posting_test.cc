#include "ledger/posting.h"

#include <limits>

#include <gtest/gtest.h>

#include "platform/base/random.h"

namespace florin::ledger {
namespace {

using Balances = std::array<std::int64_t, account_count>;

void book(Balances& balances, const std::vector<Entry>& entries) {
    for (const auto& entry : entries) {
        balances[static_cast<std::size_t>(entry.debit) - 1] += entry.amount;
        balances[static_cast<std::size_t>(entry.credit) - 1] -= entry.amount;
    }
}
std::int64_t of(const Balances& balances, Account account) {
    return balances[static_cast<std::size_t>(account) - 1];
}

TEST(LedgerPosting, AWholeLifeLeavesOnlyTheFeeAndTheCash) {
    Balances balances{};
    book(balances, authorize_entries(10'000));
    EXPECT_EQ(of(balances, Account::AuthorizedReceivable), 10'000);
    book(balances, capture_entries(10'000, 8'000, 240));
    EXPECT_EQ(of(balances, Account::AuthorizedReceivable), 0);
    EXPECT_EQ(of(balances, Account::AuthorizedObligation), 0);
    EXPECT_EQ(of(balances, Account::GatewayReceivable), 8'000);
    EXPECT_EQ(of(balances, Account::MerchantPayable), -7'760);
    book(balances, refund_entries(1'000));
    book(balances, settle_entries(7'000, 6'760));
    EXPECT_EQ(of(balances, Account::GatewayReceivable), 0);
    EXPECT_EQ(of(balances, Account::MerchantPayable), 0);
    EXPECT_EQ(of(balances, Account::FeeRevenue), -240);
    EXPECT_EQ(of(balances, Account::Cash), 240);
}

TEST(LedgerPosting, AVoidLiftsTheHoldAndNothingElse) {
    Balances balances{};
    book(balances, authorize_entries(500));
    book(balances, void_entries(500));
    EXPECT_EQ(balances, Balances{});
}

TEST(LedgerPosting, BooksNoLineWithoutAmount) {
    EXPECT_EQ(capture_entries(100, 100, 0).size(), 2U);
    EXPECT_TRUE(settle_entries(0, 0).empty());
    EXPECT_EQ(settle_entries(0, 5).size(), 1U);
}

TEST(LedgerPosting, RoundsFeesHalfUpAndExactlyUpToTheLargestAmount) {
    EXPECT_EQ(fee_of(0, 300), 0);
    EXPECT_EQ(fee_of(49, 100), 0);
    EXPECT_EQ(fee_of(50, 100), 1);
    EXPECT_EQ(fee_of(10'000, 330), 330);
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(fee_of(largest, 10'000), largest);
    Random random(7);
    for (int i = 0; i < 10'000; ++i) {
        const auto amount = static_cast<std::int64_t>(random.next() >> 1U);
        const auto rate = static_cast<std::int64_t>(random.next() % 10'001);
        const auto exact = (static_cast<__int128>(amount) * rate + 5'000) / 10'000;
        ASSERT_EQ(fee_of(amount, rate), static_cast<std::int64_t>(exact)) << amount << " " << rate;
    }
}

TEST(LedgerPosting, NamesEveryAccountBothWays) {
    for (std::size_t i = 1; i <= account_count; ++i) {
        const auto account = static_cast<Account>(i);
        EXPECT_EQ(account_named(name_of(account)), account);
    }
    EXPECT_FALSE(account_named("petty_cash"));
}

}  // namespace
}  // namespace florin::ledger
