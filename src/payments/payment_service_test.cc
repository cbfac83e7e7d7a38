#include "payments/payment_service.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "ledger/ledger.h"
#include "payments/test_world.h"
#include "platform/base/random.h"
#include "platform/base/require.h"

namespace florin::payments {
namespace {

constexpr store::Sql count_payments("SELECT count(*) FROM merchant_payment");
constexpr store::Sql count_events("SELECT count(*) FROM outbox");
constexpr store::Sql count_postings("SELECT count(*) FROM ledger_transaction");

Refused::Kind kind_of(const Answer& answer) {
    require(!answer.has_value(), "the request was refused");
    return answer.error().kind;
}

TEST(PaymentService, AuthorizesInOneCommitWithPostingAndEvent) {
    TestWorld world;
    const auto answer = world.get(world.service->authorize(world.authorization("m", 10'000, "k")));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->answer.status, 200U);
    EXPECT_FALSE(answer->replayed);
    EXPECT_NE(answer->answer.body.find("AUTHORIZED"), std::string::npos);
    EXPECT_EQ(world.count(count_payments), 1);
    EXPECT_EQ(world.count(count_events), 1);
    EXPECT_EQ(world.count(count_postings), 1);
}

TEST(PaymentService, ADeclineIsAnAnswerOfItsOwnAndMovesNoMoney) {
    TestWorld world;
    const auto request = world.authorization("m", magic_amount::insufficient_funds, "k");
    const auto answer = world.get(world.service->authorize(request));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->answer.status, 402U);
    EXPECT_NE(answer->answer.body.find("INSUFFICIENT_FUNDS"), std::string::npos);
    EXPECT_EQ(world.count(count_postings), 0);
    EXPECT_TRUE(world.counted("authorize", 0));
    const auto again = world.get(world.service->authorize(request));
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->answer.status, 402U);
}

TEST(PaymentService, AKeyAnswersTheSameAndRefusesOtherRequests) {
    TestWorld world;
    const auto first = world.get(world.service->authorize(world.authorization("m", 500, "k")));
    const auto again = world.get(world.service->authorize(world.authorization("m", 500, "k")));
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(again->replayed);
    EXPECT_EQ(again->answer.body, first->answer.body);
    EXPECT_EQ(kind_of(world.get(world.service->authorize(world.authorization("m", 501, "k")))),
              Refused::Kind::KeyUsedForOther);
    // Keys belong to their merchant.
    EXPECT_TRUE(
        world.get(world.service->authorize(world.authorization("n", 501, "k"))).has_value());
    EXPECT_EQ(world.count(count_payments), 2);
}

TEST(PaymentService, AKeyIsNeverFreeAgainWhenItsAnswerIsForgotten) {
    TestWorld world;
    EXPECT_TRUE(world.get(world.service->authorize(world.authorization("m", 500, "k"))));
    world.clock.advance(world.settings.answers_kept + Milliseconds(10));
    const Instant before = world.clock.now() - world.settings.answers_kept;
    EXPECT_EQ(world.get(world.store->write(
                  [before](store::Transaction& tx) { return prune_answers(tx, before, 100); })),
              1);
    EXPECT_EQ(kind_of(world.get(world.service->authorize(world.authorization("m", 500, "k")))),
              Refused::Kind::AnswerForgotten);
    EXPECT_EQ(world.count(count_payments), 1);
}

struct Twins {
    int answered = 0;
    int replayed = 0;
    std::set<std::string> bodies;
    int ended = 0;
};

awaitable<void> one_twin(PaymentService& service, AuthorizePayment request, Twins& twins) {
    const auto answer = co_await service.authorize(std::move(request));
    if (answer) {
        ++twins.answered;
        if (answer->replayed) ++twins.replayed;
        twins.bodies.insert(answer->answer.body);
    }
    ++twins.ended;
}

awaitable<void> all_twins(TestWorld& world, const std::string& merchant, int count, Twins& twins) {
    for (int i = 0; i < count; ++i) {
        runtime::spawn(*world.loop, "twin",
                       one_twin(*world.service, world.authorization(merchant, 700, "k"), twins));
    }
    // The gateway answers once they are all waiting for it, or for their twin.
    world.fake->held = false;
    require(co_await store::eventually([&] { return twins.ended == count; }), "the twins end");
}

TEST(PaymentService, AThousandConcurrentTwinsMakeOnePayment) {
    for (const std::string merchant : {"m", "remote"}) {
        TestWorld world;
        Twins twins;
        world.fake->held = true;
        world.run(all_twins(world, merchant, 1'000, twins));
        EXPECT_EQ(twins.answered, 1'000);
        EXPECT_EQ(twins.replayed, 999);
        EXPECT_EQ(twins.bodies.size(), 1U);
        EXPECT_EQ(world.count(count_payments), 1);
        EXPECT_EQ(world.count(count_postings), 1);
        EXPECT_EQ(world.count(count_events), 1);
        EXPECT_EQ(world.fake->calls, merchant == "remote" ? 1 : 0);
    }
}

TEST(PaymentService, CapturesAPartAndRefundsItPieceByPieceButNoMore) {
    TestWorld world;
    const auto payment = world.authorized("m", 10'000);
    const auto captured =
        world.get(world.service->change(world.change(Operation::Capture, payment, 9'000)));
    ASSERT_TRUE(captured.has_value());
    EXPECT_EQ(captured->answer.status, 200U);
    for (const std::int64_t part : {4'000, 5'000}) {
        EXPECT_TRUE(
            world.get(world.service->change(world.change(Operation::Refund, payment, part))));
    }
    const auto more = world.get(world.service->change(world.change(Operation::Refund, payment, 1)));
    EXPECT_EQ(kind_of(more), Refused::Kind::WrongState);
    EXPECT_EQ(world.stored(payment).state, State::Refunded);
    const auto book = world.get(world.store->read(
        [](store::Snapshot& s) { return ledger::book_of(s, "m", Currency::krw()).value(); }));
    EXPECT_EQ(ledger::of(book.balances, ledger::Account::GatewayReceivable), 0);
    EXPECT_EQ(ledger::of(book.balances, ledger::Account::FeeRevenue), -270);
    EXPECT_EQ(ledger::of(book.balances, ledger::Account::MerchantPayable), 270);
    EXPECT_EQ(world.verify().faults, 0);
    EXPECT_TRUE(world.counted("authorize", 1));
    EXPECT_TRUE(world.counted("capture", 1));
    EXPECT_TRUE(world.counted("refund", 2));
    EXPECT_TRUE(world.counted("void", 0));
}

TEST(PaymentService, RefusesTooLargeAmountsAndOtherMerchantsPayments) {
    TestWorld world;
    auto payment = world.authorized("m", 1'000);
    const auto large =
        world.get(world.service->change(world.change(Operation::Capture, payment, 1'001)));
    EXPECT_EQ(kind_of(large), Refused::Kind::AmountTooLarge);
    EXPECT_EQ(large.error().left, 1'000);
    payment.merchant = "thief";
    EXPECT_EQ(
        kind_of(world.get(world.service->change(world.change(Operation::Capture, payment, 1'000)))),
        Refused::Kind::NotFound);
    EXPECT_FALSE(world.get(world.service->find("thief", payment.id)).has_value());
}

TEST(PaymentService, ARefusalLeavesItsKeyFree) {
    TestWorld world;
    const auto payment = world.authorized("m", 1'000);
    EXPECT_FALSE(world.get(
        world.service->change(world.change(Operation::Refund, payment, 1'000, "refund-1"))));
    EXPECT_TRUE(world.get(world.service->change(world.change(Operation::Capture, payment, 1'000))));
    EXPECT_TRUE(world.get(
        world.service->change(world.change(Operation::Refund, payment, 1'000, "refund-1"))));
}

awaitable<void> one_change(PaymentService& service, ChangePayment request, int& yes, int& ended) {
    if (co_await service.change(std::move(request))) ++yes;
    ++ended;
}

awaitable<void> race(TestWorld& world, std::vector<ChangePayment> requests, int& yes) {
    int ended = 0;
    const int all = static_cast<int>(requests.size());
    for (auto& request : requests)
        runtime::spawn(*world.loop, "change",
                       one_change(*world.service, std::move(request), yes, ended));
    require(co_await store::eventually([&] { return ended == all; }), "the race ends");
}

TEST(PaymentService, OfCaptureAndVoidOneWins) {
    for (const std::string merchant : {"m", "remote"}) {
        TestWorld world;
        const auto payment = world.authorized(merchant, 1'000);
        int yes = 0;
        world.run(race(world,
                       {world.change(Operation::Void, payment, std::nullopt),
                        world.change(Operation::Capture, payment, std::nullopt),
                        world.change(Operation::Void, payment, std::nullopt)},
                       yes));
        EXPECT_EQ(yes, 1);
        EXPECT_EQ(world.stored(payment).state, State::Voided);
        EXPECT_EQ(world.verify().faults, 0);
    }
}

TEST(PaymentService, RacingRefundsNeverGiveBackMoreThanWasCaptured) {
    for (const std::string merchant : {"m", "remote"}) {
        TestWorld world;
        const auto payment = world.authorized(merchant, 1'000);
        EXPECT_TRUE(world.get(
            world.service->change(world.change(Operation::Capture, payment, std::nullopt))));
        std::vector<ChangePayment> refunds;
        for (int i = 0; i < 50; ++i)
            refunds.push_back(world.change(Operation::Refund, payment, 300));
        int yes = 0;
        world.run(race(world, std::move(refunds), yes));
        EXPECT_GE(yes, 1);
        EXPECT_LE(yes, 3);
        EXPECT_EQ(world.stored(payment).refunded, 300 * yes);
        EXPECT_EQ(world.verify().faults, 0);
    }
}

TEST(PaymentService, AFaultOfTheGatewayIsNeverADeclineNorADuplicate) {
    TestWorld world;
    world.fake->answers = {Unknown{Unknown::Kind::Fault, "500"},
                           Unknown{Unknown::Kind::TimedOut, "3000 ms"}};
    EXPECT_EQ(kind_of(world.get(world.service->authorize(world.authorization("remote", 5, "a")))),
              Refused::Kind::GatewayFault);
    EXPECT_EQ(kind_of(world.get(world.service->authorize(world.authorization("remote", 5, "b")))),
              Refused::Kind::GatewayTimedOut);
    EXPECT_EQ(world.newest("remote").state, State::Ready);
}

TEST(PaymentService, AnOpenCircuitAnswersAtOnceWithoutACall) {
    TestWorld world;
    for (int i = 0; i < 10; ++i) {
        world.fake->answers.emplace_back(Unknown{Unknown::Kind::Fault, "500"});
        world.get(
            world.service->authorize(world.authorization("remote", 5, "k" + std::to_string(i))));
    }
    EXPECT_EQ(world.fake->calls, 10);
    EXPECT_EQ(kind_of(world.get(world.service->authorize(world.authorization("remote", 5, "x")))),
              Refused::Kind::GatewayNotCalled);
    EXPECT_EQ(world.fake->calls, 10);
}

TEST(PaymentService, ListsAMerchantsPaymentsPageByPage) {
    TestWorld world;
    for (int i = 0; i < 25; ++i) world.authorized(i % 5 == 0 ? "other" : "m", 100 + i);
    PaymentFilter filter;
    filter.merchant = "m";
    filter.limit = 8;
    std::vector<std::int64_t> amounts;
    for (int pages = 0; pages < 10; ++pages) {
        const auto page = world.get(world.service->list(filter));
        for (const auto& payment : page.payments) amounts.push_back(payment.amount);
        if (!page.next) break;
        filter.after = page.next;
    }
    EXPECT_EQ(amounts.size(), 20U);
    EXPECT_TRUE(std::ranges::is_sorted(amounts, std::greater<>()));
}

// A simple model beside the service: whatever is asked in whatever order, both agree.
TEST(PaymentService, AgreesWithASimpleModelOverRandomCommands) {
    struct Modelled {
        Payment payment;
        std::int64_t captured = 0;
        std::int64_t refunded = 0;
        bool closed = false;  // captured or voided
    };
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        TestWorld world;
        Random random(seed);
        std::vector<Modelled> model;
        for (int i = 0; i < 200; ++i) {
            const auto dice = random.next() % 10;
            const auto part = static_cast<std::int64_t>(random.next() % 1'200) + 1;
            if (model.empty() || dice < 2) {
                const std::string merchant = random.next() % 2 == 0 ? "m" : "remote";
                model.push_back({world.authorized(merchant, 1'000)});
                continue;
            }
            if (dice == 9 && random.next() % 4 == 0) {
                world.restart();
                world.clock.advance(Milliseconds(1));  // new ids are behind those of before
                continue;
            }
            auto& at = model[random.next() % model.size()];
            const auto operation = dice < 5   ? Operation::Capture
                                   : dice < 8 ? Operation::Refund
                                              : Operation::Void;
            bool expected = false;
            if (operation == Operation::Capture && !at.closed && part <= 1'000) {
                expected = at.closed = true;
                at.captured = part;
            } else if (operation == Operation::Refund && at.refunded + part <= at.captured) {
                expected = true;
                at.refunded += part;
            } else if (operation == Operation::Void && !at.closed) {
                expected = at.closed = true;
            }
            const auto answer =
                world.get(world.service->change(world.change(operation, at.payment, part)));
            ASSERT_EQ(answer.has_value(), expected) << "seed " << seed << " step " << i;
        }
        for (const auto& at : model) {
            const auto stored = world.stored(at.payment);
            EXPECT_EQ(stored.captured, at.captured);
            EXPECT_EQ(stored.refunded, at.refunded);
        }
        const auto proof = world.verify();
        EXPECT_TRUE(proof.complaints.empty()) << proof.complaints.front();
    }
}

}  // namespace
}  // namespace florin::payments
