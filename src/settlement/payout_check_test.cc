#include "settlement/payout_check.h"

#include <gtest/gtest.h>

#include "settlement/test_world.h"

namespace florin::settlement {
namespace {

class PayoutCheckTest : public ::testing::Test {
protected:
    /// Two merchants that are settled, and one that owes us.
    PayoutCheckTest() {
        world.capture("shop-1", 8'000, 240);
        world.refund("shop-1", 1'000);
        world.capture("shop-2", 500, 0);
        world.refund("shop-3", 100);
        world.go_to(1, std::chrono::minutes(30));
        world.get(world.run->settle_due());
    }
    PayoutCheck check() {
        return world.get(
            world.store->read([](store::Snapshot& snapshot) { return check_payouts(snapshot); }));
    }
    void tamper(const store::Sql& sql) {
        for (const std::string trigger :
             {"settlement_statement_fixed", "settlement_statement_kept", "ledger_transaction_fixed",
              "ledger_transaction_kept", "ledger_line_fixed"}) {
            world.database.run("DROP TRIGGER " + trigger);
        }
        world.get(world.store->write([&sql](store::Transaction& tx) { return tx.execute(sql); }));
    }

    TestWorld world;
};

TEST_F(PayoutCheckTest, AgreesWithWhatTheDailyRunBooked) {
    const auto found = check();
    EXPECT_EQ(found.statements, 3);
    EXPECT_EQ(found.faults, 0) << found.complaints.front();
}

struct Tampering {
    store::Sql sql;
    std::string complaint;  // part of the first one
};
const Tampering tamperings[] = {
    {store::Sql("UPDATE settlement_statement SET captured = 9000 WHERE merchant_id = 'shop-1'"),
     "its net is 6760, what it lists comes to 7760"},
    {store::Sql("UPDATE settlement_statement SET received = 8000 WHERE merchant_id = 'shop-1'"),
     "it received 8000 and paid 6760 under number 3, but transaction 3 of shop-1 KRW"},
    {store::Sql("UPDATE ledger_line SET amount = 400 WHERE debit = 4 AND credit = 6"
                " AND amount = 500"),
     "of shop-2 KRW says something else"},
    {store::Sql("DELETE FROM ledger_transaction WHERE movement = 5 AND number = 3"),
     "0 payouts are booked, 1 expected"},
    {store::Sql("DELETE FROM settlement_statement WHERE merchant_id = 'shop-2'"),
     "(transaction 2): no statement tells of it"},
};

class TamperedPayoutTest : public PayoutCheckTest,
                           public ::testing::WithParamInterface<Tampering> {};

TEST_P(TamperedPayoutTest, IsNamed) {
    tamper(GetParam().sql);
    const auto found = check();
    ASSERT_GT(found.faults, 0) << GetParam().sql.text();
    EXPECT_NE(found.complaints.front().find(GetParam().complaint), std::string::npos)
        << found.complaints.front();
}

INSTANTIATE_TEST_SUITE_P(EveryWay, TamperedPayoutTest, ::testing::ValuesIn(tamperings));

}  // namespace
}  // namespace florin::settlement
