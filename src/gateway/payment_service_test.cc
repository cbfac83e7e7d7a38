#include <set>

#include <gtest/gtest.h>

#include "gateway/grpc_test_world.h"
#include "gateway/retention.h"
#include "platform/store/store_test_support.h"

namespace florin::gateway {
namespace {

namespace pb = payment::v1;
using store::eventually;
using store::HeldWriter;

constexpr const char* receiver = "http://receiver.test/hook";

pb::ProcessPaymentRequest process_request(const std::string& id) {
    pb::ProcessPaymentRequest request;
    request.set_payment_intent_id(id);
    return request;
}

pb::CancelPaymentRequest cancel_request(const std::string& id) {
    pb::CancelPaymentRequest request;
    request.set_payment_intent_id(id);
    return request;
}

/// Answers "process" and "cancel" by their name, for tables of races.
awaitable<void> ask(GrpcWorld& world, std::string_view method, std::string bytes,
                    std::optional<grpc::Status>& status) {
    std::string answer;
    status = co_await world.method(method).unary(world.fake_call, bytes, answer);
}

awaitable<void> run_to_end(SettlementClock& settlement, bool& ended) {
    co_await settlement.run();
    ended = true;
}

TEST(Payments, LiveThroughEachScenario) {
    struct Case {
        pb::PaymentScenario scenario;
        pb::PaymentStatus status;
        int events;
        std::size_t webhooks;
    };
    for (const auto& [scenario, status, events, webhooks] :
         {Case{pb::approve, pb::PAYMENT_STATUS_COMPLETED, 1, 1},
          Case{pb::fail, pb::PAYMENT_STATUS_FAILED, 1, 1},
          Case{pb::delay, pb::PAYMENT_STATUS_COMPLETED, 1, 1},
          Case{pb::timeout, pb::PAYMENT_STATUS_PROCESSING, 0, 0}}) {
        SCOPED_TRACE(pb::PaymentScenario_Name(scenario));
        GrpcWorld world;
        const auto id = world.create(scenario, receiver);
        world.advance(Microseconds(1'999'999));
        EXPECT_EQ(world.payment(id).status(), pb::PAYMENT_STATUS_PENDING);
        world.advance(Microseconds(1));
        EXPECT_EQ(world.payment(id).status(), status);
        EXPECT_EQ(world.count(count_events), events);
        EXPECT_EQ(world.count(count_deliveries), static_cast<std::int64_t>(webhooks));
        EXPECT_EQ(world.offered.size(), webhooks);
        world.advance(Milliseconds(500));
        EXPECT_EQ(world.count(count_events), events) << "one outcome, one event";
    }
}

TEST(Payments, WithoutAWebhookUrlAreDecidedToo) {
    GrpcWorld world;
    const auto id = world.create();
    world.advance(Seconds(2));
    EXPECT_EQ(world.payment(id).status(), pb::PAYMENT_STATUS_COMPLETED);
    EXPECT_EQ(world.count(count_events), 1);
    EXPECT_TRUE(world.offered.empty());
}

TEST(Payments, AreDecidedOnceWhoeverComesFirst) {
    if (store::TestDatabase::kind_asked_for() != store::TestDatabase::Kind::Sqlite)
        GTEST_SKIP() << "only one writer runs commands in the order in which they came";
    for (const bool clock_first : {true, false}) {
        for (const char* method : {"ProcessPayment", "CancelPayment"}) {
            SCOPED_TRACE(std::string(method) + (clock_first ? " after" : " before") + " the clock");
            GrpcWorld world;
            const auto id = world.create(pb::approve, receiver);
            const bool cancels = std::string_view(method) == "CancelPayment";
            const std::string bytes = cancels ? cancel_request(id).SerializeAsString()
                                              : process_request(id).SerializeAsString();
            world.clock.advance(Seconds(2));
            const auto race = [&]() -> awaitable<void> {
                HeldWriter writer(*world.store);
                co_await writer.hold();
                std::optional<grpc::Status> asked;
                for (const bool turn_of_clock : {clock_first, !clock_first}) {
                    const auto waiting = world.store->state().write_queue;
                    runtime::spawn(*world.loop, "racer",
                                   turn_of_clock ? world.settlement->settle_due()
                                                 : ask(world, method, bytes, asked));
                    EXPECT_TRUE(co_await eventually(
                        [&] { return world.store->state().write_queue == waiting + 1; }));
                }
                writer.release();
                EXPECT_TRUE(co_await eventually([&] { return asked.has_value(); }));
                EXPECT_TRUE(asked->ok()) << asked->message;
                co_await world.settlement->settle_due();
            };
            world.run(race());
            const bool completed = clock_first || !cancels;
            const auto status = world.payment(id).status();
            // A cancel that comes after the outcome refunds it.
            EXPECT_EQ(status, !cancels      ? pb::PAYMENT_STATUS_COMPLETED
                              : clock_first ? pb::PAYMENT_STATUS_REFUNDED
                                            : pb::PAYMENT_STATUS_CANCELLED);
            EXPECT_EQ(world.count(count_deliveries), completed ? 1 : 0);
            EXPECT_EQ(world.offered.size(), completed ? 1U : 0U);
            EXPECT_EQ(world.count(count_events), cancels && clock_first ? 2 : 1);
        }
    }
}

TEST(Payments, PendingAtARestartAreSettledAtOnceInOrder) {
    GrpcWorld world;
    const auto late = world.create(pb::fail, receiver);
    world.clock.advance(Milliseconds(10));
    const auto later = world.create(pb::approve, receiver);
    world.restart();
    world.advance(Seconds(60));
    EXPECT_EQ(world.payment(late).status(), pb::PAYMENT_STATUS_FAILED);
    EXPECT_EQ(world.payment(later).status(), pb::PAYMENT_STATUS_COMPLETED);
    ASSERT_EQ(world.offered.size(), 2U);
    EXPECT_EQ(wire_id(world.offered[0].intent), late);
    EXPECT_EQ(wire_id(world.offered[1].intent), later);
    const auto next = world.create();
    EXPECT_EQ(world.payment(next).status(), pb::PAYMENT_STATUS_PENDING);
}

TEST(Payments, AreSettledByTheRunningClock) {
    GrpcWorld world;
    SystemClock clock;
    SettlementClock settlement(
        *world.loop, *world.store, clock, UuidGenerator(clock, 5),
        [&](std::vector<WebhookDelivery>) {}, *world.metrics);
    bool ended = false;
    ScenarioDice dice(1, 0.5);
    ServiceSettings settings;
    settings.timing.delay = Milliseconds(5);
    PaymentService service(
        *world.store, clock, UuidGenerator(clock, 6), dice, *world.buckets, settings,
        [&](Instant due) { settlement.expect(due); }, [](std::vector<WebhookDelivery>) {},
        *world.metrics);
    const auto task = [&]() -> awaitable<void> {
        runtime::spawn(*world.loop, "settlement", run_to_end(settlement, ended));
        for (int round = 0; round < 3; ++round) {
            PaymentIntent request;
            request.reservation_id = "r";
            request.user_id = "u";
            request.amount.minor = 1;
            auto intent = service.prepare(request, std::nullopt);
            const Uuid id = intent.id;
            co_await service.create(std::move(intent), {}, {});
            bool completed = false;
            while (!completed) {
                const auto found = co_await service.find(id, "");
                completed = found->state == PaymentState::Completed;
            }
        }
        settlement.stop();
        EXPECT_TRUE(co_await eventually([&] { return ended; }));
    };
    world.run(task());
}

TEST(IdempotencyKeys, GiveTheSameAnswerByteForByte) {
    GrpcWorld world;
    auto request = GrpcWorld::valid_request();
    request.set_idempotency_key("key-1");
    (*request.mutable_metadata()->mutable_tags())["a"] = "1";
    (*request.mutable_metadata()->mutable_tags())["b"] = "2";
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    const std::string first = world.last_answer;
    world.advance(Seconds(3));
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    EXPECT_EQ(world.last_answer, first);
    world.restart();
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    EXPECT_EQ(world.last_answer, first);
    EXPECT_EQ(world.count(count_intents), 1);
}

TEST(IdempotencyKeys, RefuseAnotherRequestButBelongToTheirUser) {
    GrpcWorld world;
    auto request = GrpcWorld::valid_request();
    request.set_idempotency_key("key-1");
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    request.mutable_amount()->set_amount(1);
    const auto refused =
        world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, grpc::Code::AlreadyExists);
    EXPECT_NE(refused.error().message.find("idempotency conflict"), std::string::npos);
    request.set_user_id("user-2");
    EXPECT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    EXPECT_EQ(world.count(count_intents), 2);
}

TEST(IdempotencyKeys, EndWithTheirTimeToLive) {
    GrpcWorld world;
    world.settings.idempotency_time_to_live = Milliseconds(1'000);
    auto request = GrpcWorld::valid_request();
    request.set_idempotency_key("key-1");
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    world.clock.advance(Milliseconds(1'000));
    request.mutable_amount()->set_amount(1);
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    EXPECT_EQ(world.count(count_intents), 2);
}

TEST(IdempotencyKeys, RefundOnceHoweverOftenTheyAreSent) {
    GrpcWorld world;
    const auto id = world.create();
    world.advance(Seconds(2));
    auto request = cancel_request(id);
    request.mutable_refund_amount()->set_amount(30'000);
    request.set_idempotency_key("refund-1");
    const auto first = world.call<pb::CancelPaymentResponse>("CancelPayment", request);
    const auto again = world.call<pb::CancelPaymentResponse>("CancelPayment", request);
    ASSERT_TRUE(first && again);
    EXPECT_EQ(first->refund_id(), again->refund_id());
    EXPECT_EQ(first->status(), pb::PAYMENT_STATUS_COMPLETED);
    EXPECT_EQ(first->refunded_amount().amount(), 30'000);
    request.clear_refund_amount();
    request.set_idempotency_key("refund-2");
    const auto rest = world.call<pb::CancelPaymentResponse>("CancelPayment", request);
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->status(), pb::PAYMENT_STATUS_REFUNDED);
    EXPECT_EQ(rest->refunded_amount().amount(), 70'000);
}

TEST(RandomPayments, AreTheSameForTheSameSeed) {
    const auto outcomes = [](std::uint64_t seed) {
        GrpcWorld world(seed);
        std::vector<std::string> ids;
        for (int i = 0; i < 40; ++i) ids.push_back(world.create(pb::random));
        world.advance(Seconds(2));
        std::string text;
        for (const auto& id : ids)
            text += world.payment(id).status() == pb::PAYMENT_STATUS_COMPLETED ? 'C' : 'F';
        return text;
    };
    const auto first = outcomes(7);
    EXPECT_EQ(first, outcomes(7));
    EXPECT_NE(first, outcomes(8));
    EXPECT_NE(first.find('C'), std::string::npos);
    EXPECT_NE(first.find('F'), std::string::npos);
}

TEST(RandomPayments, ProcessedByHandGetTheOutcomeThatWasRolled) {
    GrpcWorld by_clock(3);
    GrpcWorld by_hand(3);
    for (int i = 0; i < 20; ++i) {
        const auto left = by_clock.create(pb::random);
        const auto right = by_hand.create(pb::random);
        by_clock.advance(Seconds(2));
        const auto answer =
            by_hand.call<pb::ProcessPaymentResponse>("ProcessPayment", process_request(right));
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status(), by_clock.payment(left).status());
    }
}

std::vector<std::string> walk_list(GrpcWorld& world, pb::ListPaymentsRequest request,
                                   bool insert_meanwhile) {
    std::vector<std::string> ids;
    for (;;) {
        const auto page = world.call<pb::ListPaymentsResponse>("ListPayments", request).value();
        for (const auto& payment : page.payments()) ids.push_back(payment.payment_intent_id());
        if (!page.page_info().has_next_page()) return ids;
        request.mutable_pagination()->set_cursor(page.page_info().next_cursor());
        if (insert_meanwhile) world.create();
    }
}

TEST(Lists, AreNewestFirstAndStableWhilePaymentsAreAdded) {
    GrpcWorld world;
    std::vector<std::string> created;
    for (int i = 0; i < 25; ++i) {
        created.insert(created.begin(), world.create(i % 2 == 0 ? pb::approve : pb::fail));
        world.clock.advance(Milliseconds(1));
        if (i % 10 == 9) world.restart();  // each start begins a bucket
    }
    pb::ListPaymentsRequest all;
    all.mutable_pagination()->set_page_size(4);
    EXPECT_EQ(walk_list(world, all, true), created);
    pb::ListPaymentsRequest of_user = all;
    of_user.set_user_id("user-1");
    auto now = walk_list(world, of_user, true);
    EXPECT_GE(now.size(), created.size());
    EXPECT_EQ(std::vector(now.end() - 25, now.end()), created);
    EXPECT_TRUE(std::ranges::is_sorted(now, std::greater()));
    pb::ListPaymentsRequest of_nobody = all;
    of_nobody.set_user_id("nobody");
    EXPECT_TRUE(walk_list(world, of_nobody, false).empty());
}

TEST(Lists, FilterByStatusReservationAndPage) {
    GrpcWorld world;
    for (int i = 0; i < 6; ++i) world.create(i % 2 == 0 ? pb::approve : pb::fail);
    auto other = GrpcWorld::valid_request();
    other.set_reservation_id("rsv-2");
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", other));
    world.advance(Seconds(2));
    pb::ListPaymentsRequest request;
    request.set_status(pb::PAYMENT_STATUS_FAILED);
    auto page = world.call<pb::ListPaymentsResponse>("ListPayments", request).value();
    EXPECT_EQ(page.payments_size(), 3);
    EXPECT_EQ(page.page_info().total_count(), 3);
    request.Clear();
    request.set_reservation_id("rsv-2");
    page = world.call<pb::ListPaymentsResponse>("ListPayments", request).value();
    ASSERT_EQ(page.payments_size(), 1);
    EXPECT_EQ(page.payments(0).reservation_id(), "rsv-2");
    request.set_user_id("another");
    EXPECT_EQ(world.call<pb::ListPaymentsResponse>("ListPayments", request)->payments_size(), 0);
    request.Clear();
    request.mutable_pagination()->set_page(3);
    request.mutable_pagination()->set_page_size(3);
    page = world.call<pb::ListPaymentsResponse>("ListPayments", request).value();
    EXPECT_EQ(page.payments_size(), 1);
    EXPECT_TRUE(page.page_info().has_previous_page());
    EXPECT_FALSE(page.page_info().has_next_page());
    EXPECT_EQ(page.page_info().total_count(), 7);
}

TEST(Retention, DeletesWhatIsOlderThanItsRetentionAndWaitsForNothing) {
    GrpcWorld world;
    auto request = GrpcWorld::valid_request();
    request.set_idempotency_key("key");
    ASSERT_TRUE(world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request));
    const auto refunded = world.create(pb::approve);
    world.advance(Seconds(2));
    ASSERT_TRUE(world.call<pb::CancelPaymentResponse>("CancelPayment", cancel_request(refunded)));
    world.clock.advance(std::chrono::hours(2));
    const auto young = world.create(pb::timeout);
    store::Pruning pruning(*world.loop, *world.store, world.clock,
                           prune_rules({std::chrono::hours(1), Milliseconds(1'000)}),
                           *world.metrics);
    EXPECT_GT(world.get(pruning.prune_once()), 0);
    EXPECT_EQ(world.get(pruning.prune_once()), 0);
    EXPECT_EQ(world.count(count_intents), 1);
    EXPECT_EQ(world.payment(young).status(), pb::PAYMENT_STATUS_PENDING);
    EXPECT_EQ(world.count(store::Sql("SELECT count(*) FROM gateway_idempotency")), 0);
    EXPECT_EQ(world.count(store::Sql("SELECT count(*) FROM gateway_refund")), 0);
    world.clock.advance(std::chrono::hours(2));
    EXPECT_EQ(world.get(pruning.prune_once()), 0) << "an undecided payment stays";
}

TEST(Retention, DeletesAFewHundredRowsACommandUntilNoneIsLeft) {
    GrpcWorld world;
    const auto task = [&]() -> awaitable<void> {
        co_await world.store->write([&](store::Transaction& tx) {
            UuidGenerator ids(world.clock, 3);
            for (int i = 0; i < 1'500; ++i) {
                PaymentIntent intent;
                intent.id = ids.next();
                intent.amount.minor = 1;
                intent.state = PaymentState::Completed;
                insert_intent(tx, intent, 1);
            }
            return 0;
        });
    };
    world.run(task());
    world.clock.advance(std::chrono::hours(2));
    store::Pruning pruning(*world.loop, *world.store, world.clock,
                           prune_rules({std::chrono::hours(1), Milliseconds(1'000)}),
                           *world.metrics);
    int commands = 0;
    for (std::int64_t deleted = 1; deleted > 0; ++commands) {
        deleted = world.get(pruning.prune_once());
        EXPECT_LE(deleted, 500);
    }
    EXPECT_GT(commands, 3);
    EXPECT_EQ(world.count(count_intents), 0);
}

}  // namespace
}  // namespace florin::gateway
