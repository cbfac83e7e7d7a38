#include "payments/ledger_check.h"

#include <gtest/gtest.h>

#include "payments/test_world.h"

namespace florin::payments {
namespace {

class LedgerCheckTest : public ::testing::Test {
protected:
    LedgerCheck check(std::size_t rows_a_page = 4'096) {
        return world.get(world.store->read([rows_a_page](store::Snapshot& snapshot) {
            return check_ledger(snapshot, rows_a_page);
        }));
    }
    /// Wherever a page of a table ends, what is found is the same.
    void expect_the_same_of_small_pages(const LedgerCheck& found) {
        for (const std::size_t rows_a_page : {1U, 2U, 3U, 5U}) {
            SCOPED_TRACE(rows_a_page);
            const auto again = check(rows_a_page);
            EXPECT_EQ(again.payments, found.payments);
            EXPECT_EQ(again.postings, found.postings);
            ASSERT_EQ(again.faults, found.faults);
            for (std::size_t i = 0; i < found.differences.size(); ++i)
                EXPECT_EQ(again.differences[i].text(), found.differences[i].text());
        }
    }
    /// As somebody with the file and a database tool would.
    void tamper(const store::Sql& sql) {
        for (const std::string trigger : {"ledger_transaction_fixed", "ledger_transaction_kept",
                                          "ledger_line_fixed", "ledger_line_kept"}) {
            world.database.run("DROP TRIGGER IF EXISTS " + trigger);
        }
        world.get(world.store->write([sql](store::Transaction& tx) { return tx.execute(sql); }));
    }
    void change(Operation operation, const Payment& payment, std::optional<std::int64_t> amount) {
        auto request = world.change(operation, payment, amount);
        ASSERT_TRUE(world.get(world.service->change(std::move(request))).has_value());
    }
    /// 10,000 authorized, 9,000 captured (our fee: 270), 1,000 given back.
    Payment refunded_in_part() {
        const Payment payment = world.authorized("shop-1", 10'000);
        change(Operation::Capture, payment, 9'000);
        change(Operation::Refund, payment, 1'000);
        return world.newest("shop-1");
    }

    TestWorld world;
};

TEST_F(LedgerCheckTest, AgreesWithPaymentsInEveryState) {
    world.authorized("shop-1", 500);
    change(Operation::Void, world.authorized("shop-1", 600), std::nullopt);
    change(Operation::Capture, world.authorized("shop-1", 700), std::nullopt);
    refunded_in_part();
    const Payment whole = refunded_in_part();
    change(Operation::Refund, whole, 8'000);
    world.fake->answers = {Declined{"CARD_DECLINED", "no"}};
    auto declined = world.authorization("remote", 800, "declined");
    world.get(world.service->authorize(std::move(declined)));
    const Payment failed = world.authorized("remote", 900);
    world.fake->answers = {Declined{"CAPTURE_DECLINED", "no"}};
    change(Operation::Capture, failed, std::nullopt);
    const Payment asked = world.authorized("remote", 1'000);
    world.fake->answers = {Unknown{Unknown::Kind::TimedOut, "no answer"}};
    change(Operation::Capture, asked, std::nullopt);
    const auto found = check();
    EXPECT_EQ(found.payments, 8);
    EXPECT_EQ(found.postings, 1 + 2 + 2 + 3 + 4 + 0 + 1 + 1);
    EXPECT_EQ(found.faults, 0) << found.differences.front().text();
    expect_the_same_of_small_pages(found);
    EXPECT_EQ(world.verify().faults, 0);
}

struct Tampering {
    store::Sql sql;
    const char* what;
    const char* expected;
    const char* found;
};

const Tampering tamperings[] = {
    {store::Sql("UPDATE ledger_line SET amount = 9100 WHERE amount = 9000"), "captured", "9000",
     "9100"},
    {store::Sql("UPDATE ledger_line SET amount = 900 WHERE debit = 4 AND credit = 3"), "refunded",
     "1000", "900"},
    {store::Sql("UPDATE ledger_line SET amount = 9900 WHERE debit = 1"), "held", "10000", "9900"},
    {store::Sql("UPDATE ledger_line SET amount = 1 WHERE debit = 2"), "released", "10000", "1"},
    {store::Sql("UPDATE ledger_line SET amount = 9001 WHERE debit = 4 AND credit = 5"), "fee",
     "270", "9001"},
    {store::Sql("UPDATE ledger_line SET amount = 271 WHERE debit = 4 AND credit = 5"), "fee", "270",
     "271"},
    {store::Sql("DELETE FROM ledger_line WHERE debit = 4 AND credit = 5"), "fee", "270", "0"},
    {store::Sql("UPDATE merchant_payment SET fee_basis_points = 200"), "fee", "180", "270"},
    {store::Sql("UPDATE merchant_payment SET fee_basis_points = 10001"), "fee rate", "0 to 10000",
     "10001"},
    {store::Sql("UPDATE ledger_line SET debit = 6 WHERE debit = 3"), "an entry",
     "one that a payment's capture makes", "9000 from account 4 to account 6"},
    {store::Sql("DELETE FROM ledger_line WHERE debit = 3"), "captured", "9000", "0"},
    {store::Sql("DELETE FROM ledger_transaction WHERE movement = 4"), "refunded", "1000", "0"},
    {store::Sql("UPDATE ledger_transaction SET movement = 2 WHERE movement = 3"), "an entry",
     "one that a payment's void makes", "9000 from account 4 to account 3"},
    {store::Sql("UPDATE ledger_transaction SET step = 99 WHERE movement = 1"), "a posting's step",
     "1 to 5", "99"},
    {store::Sql("UPDATE ledger_transaction SET book_id = 7"), "book", "shop-1 KRW",
     "no book that exists"},
    {store::Sql("UPDATE ledger_book SET merchant_id = 'thief'"), "book", "shop-1 KRW", "thief KRW"},
    {store::Sql("UPDATE merchant_payment SET merchant_id = 'thief'"), "book", "thief KRW",
     "shop-1 KRW"},
    {store::Sql("UPDATE merchant_payment SET captured = 8000"), "captured", "8000", "9000"},
    {store::Sql("UPDATE merchant_payment SET refunded = 0, state = 5"), "refunded", "0", "1000"},
    {store::Sql("UPDATE merchant_payment SET refunded = 0"),
     "refunded, while the payment is PARTIALLY_REFUNDED", "1 to 8999", "0"},
    {store::Sql("UPDATE merchant_payment SET amount = 20000"), "held", "20000", "10000"},
    {store::Sql("UPDATE merchant_payment SET state = 12"), "captured, while the payment is VOIDED",
     "0", "9000"},
    {store::Sql("UPDATE merchant_payment SET state = 77"), "state", "one of the known states",
     "77"},
    {store::Sql("DELETE FROM merchant_payment"), "the payment itself", "to exist",
     "3 postings about it"},
};

class TamperedLedgerTest : public LedgerCheckTest,
                           public ::testing::WithParamInterface<Tampering> {};

TEST_P(TamperedLedgerTest, IsCaughtWithThePaymentAndBothAmounts) {
    const Payment payment = refunded_in_part();
    tamper(GetParam().sql);
    const auto found = check();
    ASSERT_GT(found.faults, 0) << GetParam().sql.text();
    const LedgerDifference& first = found.differences.front();
    EXPECT_EQ(first.payment, payment.id.text());
    EXPECT_EQ(first.what, GetParam().what) << first.text();
    EXPECT_EQ(first.expected, GetParam().expected) << first.text();
    EXPECT_EQ(first.found, GetParam().found) << first.text();
    expect_the_same_of_small_pages(found);
}

INSTANTIATE_TEST_SUITE_P(EveryWay, TamperedLedgerTest, ::testing::ValuesIn(tamperings));

TEST_F(LedgerCheckTest, APaymentKeepsTheRateOfItsAuthorization) {
    const Payment payment = world.authorized("shop-1", 10'000);
    world.settings.fee_basis_points = world.recovery_options.fee_basis_points = 500;
    world.restart();
    change(Operation::Capture, payment, 9'000);
    change(Operation::Capture, world.authorized("shop-1", 10'000), 9'000);
    EXPECT_EQ(world.count(store::Sql("SELECT -fee_revenue FROM ledger_book")), 270 + 450);
    const auto found = check();
    EXPECT_EQ(found.faults, 0) << found.differences.front().text();
}

TEST_F(LedgerCheckTest, OfAPaymentWithoutARateTheFeeIsAPartOfWhatWasCaptured) {
    const Payment payment = world.authorized("shop-1", 10'000);
    tamper(store::Sql("UPDATE merchant_payment SET fee_basis_points = NULL"));
    world.settings.fee_basis_points = 500;
    world.restart();
    change(Operation::Capture, payment, 9'000);
    EXPECT_EQ(world.count(store::Sql("SELECT -fee_revenue FROM ledger_book")), 450);
    EXPECT_EQ(check().faults, 0);
    tamper(store::Sql("UPDATE ledger_line SET amount = 9001 WHERE debit = 4 AND credit = 5"));
    ASSERT_EQ(check().faults, 1);
    EXPECT_EQ(check().differences.front().expected, "0 to 9000");
}

TEST_F(LedgerCheckTest, ToldOfAPostingAboutNoPayment) {
    refunded_in_part();
    tamper(store::Sql("UPDATE ledger_transaction SET subject_id = x'00' WHERE movement = 4"));
    const auto found = check();
    ASSERT_EQ(found.faults, 2);
    EXPECT_EQ(found.differences[0].text(),
              "payment 0x00: the payment itself: expected to exist, found 1 postings about it");
    EXPECT_EQ(found.differences[1].what, "refunded");
    expect_the_same_of_small_pages(found);
}

TEST_F(LedgerCheckTest, CountsAllFaultsAndNamesTheFirst) {
    constexpr int payments = 120;
    for (int i = 0; i < payments; ++i) world.authorized("shop-1", 500);
    tamper(store::Sql("UPDATE ledger_line SET amount = 501"));
    const auto found = check();
    EXPECT_EQ(found.faults, payments);
    EXPECT_EQ(found.differences.size(), ledger_differences_max);
}

}  // namespace
}  // namespace florin::payments
