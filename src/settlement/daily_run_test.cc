#include "settlement/daily_run.h"

#include <gtest/gtest.h>

#include "settlement/test_world.h"

namespace florin::settlement {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

/// Everything a statement says, to compare those of two worlds.
auto told(const Statement& s) {
    return std::tuple(s.id, s.merchant, s.currency, s.day, s.after_number, s.through_number,
                      s.carried_over, s.captures.count, s.captures.amount, s.refunds.count,
                      s.refunds.amount, s.fees, s.net, s.received, s.paid, s.ledger_number);
}
auto told(const std::vector<Statement>& statements) {
    std::vector<decltype(told(statements.front()))> all;
    for (const auto& statement : statements) all.push_back(told(statement));
    return all;
}

/// Of every book: what the ledger still owes is what the last statement carries forward.
void expect_settled(TestWorld& world) {
    const auto proof = world.verify();
    EXPECT_TRUE(proof.complaints.empty()) << proof.complaints.front();
    for (const auto& book : world.books()) {
        const auto last = world.get(world.store->read(
            [&book](store::Snapshot& snapshot) { return last_statement(snapshot, book.id); }));
        const Carried carried = last ? last->carried_forward() : Carried{};
        EXPECT_EQ(ledger::of(book.balances, ledger::Account::MerchantPayable), -carried.payable);
        EXPECT_EQ(ledger::of(book.balances, ledger::Account::GatewayReceivable),
                  carried.receivable);
    }
}

TEST(DailyRun, MakesAStatementAndPaysItsNetOut) {
    TestWorld world;
    world.go_to(0, hours(10));
    world.capture("shop-1", 50'000, 1'500);
    world.refund("shop-1", 10'000);
    world.go_to(1, minutes(29));
    EXPECT_EQ(world.get(world.run->settle_due()), 0) << "not before its time";
    world.go_to(1, minutes(30));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.get(world.run->settle_due()), 0) << "once";
    const auto statements = world.statements("shop-1");
    ASSERT_EQ(statements.size(), 1U);
    EXPECT_EQ(statements[0].day, TestWorld::day(0));
    EXPECT_EQ(statements[0].paid, 38'500);
    EXPECT_EQ(statements[0].ledger_number, 3);
    EXPECT_NE(world.metrics->scrape().find("florin_ledger_postings_total{movement=\"settle\"} 1\n"),
              std::string::npos);
    EXPECT_EQ(ledger::of(world.book("shop-1").balances, ledger::Account::Cash), 1'500);
    expect_settled(world);
}

TEST(DailyRun, LeavesTheMoneyOfTheNewDayToTheNextStatement) {
    TestWorld world;
    world.go_to(0, hours(23));
    world.capture("shop-1", 100, 0);
    world.go_to(1, minutes(10));
    world.capture("shop-1", 200, 0);
    world.go_to(1, minutes(30));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements()[0].paid, 100);
    world.go_to(2, minutes(30));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements()[0].paid, 200);
    EXPECT_EQ(world.statements()[0].after_number, world.statements()[1].through_number);
    expect_settled(world);
}

TEST(DailyRun, CarriesANegativeNetOver) {
    TestWorld world;
    world.go_to(0, hours(10));
    world.refund("shop-1", 20'000);
    world.go_to(1, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements()[0].paid, 0);
    EXPECT_FALSE(world.statements()[0].ledger_number.has_value());
    world.capture("shop-1", 25'000, 750);
    world.go_to(2, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements()[0].carried_over, -20'000);
    EXPECT_EQ(world.statements()[0].paid, 4'250);
    expect_settled(world);
}

TEST(DailyRun, ADebtWaitsWithoutStatementsForTheDayOfTheNextMovement) {
    TestWorld world;
    world.go_to(0, hours(10));
    world.refund("shop-1", 20'000);
    world.go_to(4, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1) << "of the refund alone";
    world.capture("shop-1", 25'000, 750);
    world.go_to(5, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements()[0].day, TestWorld::day(4));
    EXPECT_EQ(world.statements()[0].carried_over, -20'000);
    EXPECT_EQ(world.statements()[0].paid, 4'250);
    expect_settled(world);
}

TEST(DailyRun, MakesNoStatementForABookThatMovedNothing) {
    TestWorld world;
    world.go_to(0, hours(10));
    world.post("shop-1", ledger::Movement::Authorize, ledger::authorize_entries(100));
    world.capture("shop-2", 100, 1);
    world.go_to(5, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_TRUE(world.statements("shop-1").empty());
}

TEST(DailyRun, MakesUpForTheDaysItMissedAsIfItHadBeenThere) {
    TestWorld daily;
    TestWorld late;
    for (std::int32_t day = 0; day < 30; ++day) {
        for (TestWorld* world : {&daily, &late}) {
            world->go_to(day, hours(9));
            world->trade(static_cast<std::uint64_t>(day));
        }
        daily.go_to(day + 1, minutes(30));
        daily.get(daily.run->settle_due());
        // The money of the next day comes behind the payouts, in both.
        if (day % 7 == 6) {
            late.go_to(day + 1, minutes(30));
            late.get(late.run->settle_due());
        }
    }
    late.go_to(30, hours(1));
    late.get(late.run->settle_due());
    const auto expected = daily.statements();
    const auto made_up = late.statements();
    ASSERT_EQ(made_up.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(made_up[i].id, expected[i].id);
        EXPECT_EQ(made_up[i].net, expected[i].net);
        EXPECT_EQ(made_up[i].captures, expected[i].captures);
        EXPECT_EQ(made_up[i].carried_over, expected[i].carried_over);
    }
    expect_settled(daily);
    expect_settled(late);
}

TEST(DailyRun, EndsTheSameWhenItCrashesBetweenAnyTwoCommits) {
    RunOptions small = TestWorld::quick();
    small.books_a_collection = 4;
    small.statements_a_command = 2;
    small.postings_a_page = 3;
    TestWorld steady;
    TestWorld crashing(small);
    for (std::int32_t day = 0; day < 8; ++day) {
        for (TestWorld* world : {&steady, &crashing}) {
            world->go_to(day, hours(9));
            world->trade(static_cast<std::uint64_t>(day) + 100);
            world->go_to(day + 1, minutes(30));
        }
        steady.get(steady.run->settle_due());
        while (crashing.get(crashing.run->step(TestWorld::day(day)))) crashing.restart();
    }
    EXPECT_GT(steady.statements().size(), 20U);
    EXPECT_EQ(told(crashing.statements()), told(steady.statements()));
    expect_settled(crashing);
}

TEST(DailyRun, TwoOverOneStoreMakeEachStatementOnce) {
    RunOptions small = TestWorld::quick();
    small.books_a_collection = 4;
    small.statements_a_command = 1;
    TestWorld alone;
    TestWorld both(small);
    for (TestWorld* world : {&alone, &both}) {
        for (std::int32_t day = 0; day < 5; ++day) {
            world->go_to(day, hours(9));
            world->trade(static_cast<std::uint64_t>(day) + 200);
        }
        world->go_to(5, minutes(30));
    }
    alone.get(alone.run->settle_due());
    DailyRun other(*both.loop, *both.store, both.clock, small, *both.metrics);
    bool ours = true;
    bool theirs = true;
    while (ours || theirs) {
        ours = both.get(both.run->step(TestWorld::day(4)));
        theirs = both.get(other.step(TestWorld::day(4)));
    }
    EXPECT_EQ(told(both.statements()), told(alone.statements()));
    expect_settled(both);
}

TEST(DailyRun, ABookThatCannotBeSettledDoesNotHoldUpTheOthers) {
    TestWorld world;
    world.go_to(0, hours(10));
    for (const char* merchant : {"shop-1", "shop-2", "shop-3"}) world.capture(merchant, 100, 1);
    // Somebody has booked under the id of the statement to come.
    const auto blocked = make_statement({2, "shop-2", Currency::krw(), TestWorld::day(0)}, {}, {},
                                        world.clock.now());
    world.post({.merchant = "shop-9",
                .currency = Currency::krw(),
                .movement = ledger::Movement::Authorize,
                .subject = blocked.id,
                .step = 1,
                .at = world.clock.now(),
                .entries = ledger::authorize_entries(1)});
    world.go_to(1, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 2);
    EXPECT_TRUE(world.statements("shop-2").empty());
    world.capture("shop-2", 50, 0);
    world.go_to(2, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements("shop-2")[0].paid, 149) << "what was set aside, and what came since";
    expect_settled(world);
}

TEST(DailyRun, SumsTooLargeForOneStatementGoIntoTheNext) {
    TestWorld world;
    world.go_to(0, hours(10));
    constexpr std::int64_t large = 6'000'000'000'000'000'000;
    for (const bool refunded : {true, false}) {
        world.post("shop-1", ledger::Movement::Authorize, ledger::authorize_entries(large));
        world.capture("shop-1", large, 0);
        if (refunded) world.refund("shop-1", large);
    }
    world.go_to(1, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 1);
    EXPECT_EQ(world.statements()[0].net, 0);
    world.capture("shop-2", 1, 0);
    world.go_to(2, hours(10));
    EXPECT_EQ(world.get(world.run->settle_due()), 2);
    EXPECT_EQ(world.statements("shop-1")[0].paid, large);
    expect_settled(world);
}

TEST(DailyRun, ADayIsClosedEarlyOnlyWhenAskedTo) {
    TestWorld world;
    world.go_to(0, hours(10));
    world.capture("shop-1", 100, 0);
    const auto settle = [&world](std::int32_t day, Closing closing) {
        return world.get(
            world.run->settle_through(TestWorld::day(day), closing, Milliseconds(60'000)));
    };
    EXPECT_EQ(settle(1, Closing::Early).error(), RunRefusal::NotBegun);
    EXPECT_EQ(settle(0, Closing::AfterItsEnd).error(), RunRefusal::NotEnded);
    EXPECT_EQ(settle(0, Closing::Early)->statements, 1);
    world.go_to(0, hours(11));
    world.capture("shop-1", 200, 0);
    EXPECT_EQ(settle(0, Closing::Early)->statements, 0) << "the day has its statement";
    world.go_to(2, hours(0));
    EXPECT_EQ(settle(1, Closing::AfterItsEnd)->statements, 1)
        << "later than its end, before its hour";
    EXPECT_EQ(world.statements()[0].day, TestWorld::day(1));
    EXPECT_EQ(world.statements()[0].paid, 200);
    expect_settled(world);
}

TEST(DailyRun, RunsUntilItIsStopped) {
    TestWorld world;
    world.go_to(0, hours(10));
    world.capture("shop-1", 100, 0);
    world.go_to(1, hours(10));
    runtime::spawn(*world.loop, "daily run", world.run->run());
    const auto settled = [&world]() -> awaitable<bool> {
        while (true) {
            const auto day = co_await world.store->read(last_day);
            if (day && day->closed_at) break;
            co_await runtime::sleep_for(Milliseconds(1));
        }
        world.run->stop();
        co_return true;
    };
    EXPECT_TRUE(world.get(settled()));
    EXPECT_EQ(world.statements().size(), 1U);
}

}  // namespace
}  // namespace florin::settlement
