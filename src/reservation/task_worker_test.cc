#include "reservation/task_worker.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/base/faults.h"
#include "platform/base/manual_clock.h"
#include "platform/broker/consumer_group.h"
#include "platform/broker/dead_letters.h"
#include "platform/outbox/outbox.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "reservation/dead_letter_relay.h"
#include "reservation/outcome_consumer.h"
#include "reservation/test_world.h"

namespace florin::reservation {
namespace {

using runtime::result_of;
using Lines = std::vector<std::string>;

constexpr std::size_t concurrency = 4;

class TaskWorkerTest : public ::testing::Test {
protected:
    TaskWorkerTest() : store(database.open(metrics)) {
        services.before = [this](std::string line) { return hold(std::move(line)); };
        begin();
    }
    ~TaskWorkerTest() override {
        held.clear();
        EXPECT_TRUE(stop());
    }

    static TaskWorkerOptions options() {
        TaskWorkerOptions options;
        options.concurrency = concurrency;
        options.attempts_max = 3;
        options.look_interval = Milliseconds(1);
        return options;
    }
    static broker::ConsumerOptions group_options() {
        broker::ConsumerOptions options;
        options.look_interval = Milliseconds(1);
        options.batch_pause = Microseconds(100);
        return options;
    }
    /// A new worker over the same store, as after a restart.
    void begin() {
        processor = std::make_unique<Processor>(handler, *store, clock, metrics);
        worker = std::make_unique<TaskWorker>(loop, *store, *processor, clock, options(), metrics);
        relay = std::make_unique<DeadLetterRelay>(*processor);
        consumer = std::make_unique<OutcomeConsumer>(
            [](std::string_view id) { return id.starts_with("rsv-"); }, [this] { worker->wake(); });
        group = std::make_unique<broker::ConsumerGroup>(loop, *store, *consumer, clock,
                                                        group_options(), metrics);
        group->start();
        worker->start();
    }
    /// Calls that begin so do not end before a test says so; while the store is away, with a fault.
    awaitable<void> hold(std::string line) {
        if (store_away) throw Unavailable("the disk is full");
        while (!held.empty() && line.starts_with(held))
            co_await runtime::sleep_for(Milliseconds(1));
    }
    bool stop() {
        return result_of(loop, group->stop(Seconds(10))) &&
               result_of(loop, worker->stop(Seconds(10)));
    }
    /// An outcome enters the log.
    void tell(const std::string& reservation, const std::string& status,
              const std::string& payment = "pay-1") {
        outbox::Event event{ids.next(), "payment.completed", "payment", payment, "", clock.now()};
        event.payload = outbox::cloud_event(
            event, "/florin/gateway", "trace-1",
            R"({"payment_id":")" + payment + R"(","reservation_id":")" + reservation +
                R"(","user_id":"u","status":"PAYMENT_STATUS_)" + status + R"("})");
        result_of(loop, store->write([&event](store::Transaction& tx) {
            outbox::append(tx, event);
            return 0;
        }));
    }
    bool eventually(std::function<bool()> condition) {
        return result_of(loop, store::eventually(std::move(condition)));
    }
    bool called(const std::string& line) {
        return eventually([this, line] { return count(line) > 0; });
    }
    std::int64_t count(const std::string& line) const {
        return std::ranges::count(services.calls, line);
    }
    awaitable<bool> come_to(std::int64_t tasks) {
        for (int i = 0; i < 10'000; ++i) {
            const auto left = co_await store->read(
                [](store::Snapshot& snapshot) { return tasks::count(snapshot); });
            if (left == tasks) co_return true;
            co_await runtime::sleep_for(Milliseconds(1));
        }
        co_return false;
    }
    bool waiting(std::int64_t tasks) { return result_of(loop, come_to(tasks)); }
    bool emptied() { return waiting(0); }
    std::vector<broker::DeadLetter> dead_letters() {
        return result_of(loop, store->read([](store::Snapshot& snapshot) {
            return broker::dead_letters::list(snapshot, {});
        }));
    }
    bool shows(const std::string& line) {
        return ("\n" + metrics.scrape()).find("\n" + line + "\n") != std::string::npos;
    }

    runtime::Loop loop{"task worker test"};
    telemetry::Metrics metrics;
    ManualClock clock;
    UuidGenerator ids{clock, 7};
    store::TestDatabase database;
    std::unique_ptr<store::Store> store;
    std::string held;
    bool store_away = false;
    testing::FakeServices services;
    Handler handler{services, services};
    std::unique_ptr<Processor> processor;
    std::unique_ptr<TaskWorker> worker;
    std::unique_ptr<DeadLetterRelay> relay;
    std::unique_ptr<OutcomeConsumer> consumer;
    std::unique_ptr<broker::ConsumerGroup> group;
};

TEST_F(TaskWorkerTest, AnOutcomeInTheLogTakesItsStepsAndIsForgotten) {
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(called("commit concert/A-1/A-2"));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls, (Lines{"find rsv-1", "CONFIRMED rsv-1", "commit concert/A-1/A-2"}));
    EXPECT_TRUE(shows(R"(worker_events_total{outcome="success",type="payment.approved"} 1)"));
}

TEST_F(TaskWorkerTest, EveryEndOfAPaymentThatWasNotPaidGivesTheSeatsBack) {
    tell("rsv-1", "FAILED");
    EXPECT_TRUE(called("release concert/A-1/A-2 FAILED_PAYMENT"));
    tell("rsv-2", "CANCELLED");
    EXPECT_TRUE(called("release concert/A-1/A-2 CANCELLED"));
    tell("rsv-3", "EXPIRED");
    EXPECT_TRUE(called("EXPIRED rsv-3"));
    EXPECT_EQ(count("release concert/A-1/A-2 EXPIRED"), 1);
}

TEST_F(TaskWorkerTest, APaymentForNoReservationOfOursIsPassedOver) {
    tell("somebody else's", "COMPLETED");
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(called("CONFIRMED rsv-1"));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(count("CONFIRMED somebody else's"), 0);
    EXPECT_TRUE(dead_letters().empty());
}

TEST_F(TaskWorkerTest, OneReservationThatIsStuckHoldsUpNoOther) {
    held = "CONFIRMED rsv-stuck";
    tell("rsv-stuck", "COMPLETED");
    EXPECT_TRUE(called("CONFIRMED rsv-stuck"));
    for (int i = 0; i < 50; ++i) tell("rsv-" + std::to_string(i), "COMPLETED");
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(called("CONFIRMED rsv-" + std::to_string(i)));
    EXPECT_TRUE(eventually([this] { return count("commit concert/A-1/A-2") == 50; }));
}

TEST_F(TaskWorkerTest, WhatHasToWaitComesAgainLaterAndLater) {
    services.failures["CONFIRMED"] = CallFailure::Kind::Passing;
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(eventually([this] { return count("CONFIRMED rsv-1") == 1; }));
    EXPECT_TRUE(eventually([this] {
        return shows(R"(worker_events_total{outcome="retried",type="payment.approved"} 1)");
    }));
    tell("rsv-2", "FAILED");
    EXPECT_TRUE(called("CANCELLED rsv-2")) << "and the others do not wait for it";
    EXPECT_EQ(count("CONFIRMED rsv-1"), 1) << "it is not due yet";
    services.failures.clear();
    clock.advance(Seconds(2));
    EXPECT_TRUE(eventually([this] { return count("CONFIRMED rsv-1") == 2; }));
    EXPECT_TRUE(emptied());
}

TEST_F(TaskWorkerTest, TheSecondPaymentOfAReservationWaitsBehindTheFirst) {
    services.failures["CANCELLED"] = CallFailure::Kind::Passing;
    tell("rsv-1", "FAILED", "pay-1");
    EXPECT_TRUE(called("CANCELLED rsv-1"));
    tell("rsv-1", "COMPLETED", "pay-2");
    tell("rsv-2", "COMPLETED", "pay-3");
    EXPECT_TRUE(called("CONFIRMED rsv-2"));
    EXPECT_EQ(count("CONFIRMED rsv-1"), 0);
    EXPECT_TRUE(eventually([this] {
        return shows(R"(worker_events_total{outcome="retried",type="payment.failed"} 1)");
    }));
    services.failures.clear();
    clock.advance(Seconds(2));
    EXPECT_TRUE(called("CONFIRMED rsv-1"));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(count("CANCELLED rsv-1"), 2);
    const auto confirmed = std::ranges::find(services.calls, "CONFIRMED rsv-1");
    EXPECT_EQ(std::count(confirmed, services.calls.end(), "CANCELLED rsv-1"), 0);
}

TEST_F(TaskWorkerTest, AfterTheLastAttemptItIsADeadLetterThatCanBeDrivenAgain) {
    services.failures["CONFIRMED"] = CallFailure::Kind::Passing;
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(eventually([this] {
        clock.advance(Seconds(1));
        return shows(
            R"(worker_events_total{outcome="downstream_error",type="payment.approved"} 1)");
    }));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(count("CONFIRMED rsv-1"), 3);
    const auto letters = dead_letters();
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters.front().group, "reservation-worker");
    EXPECT_EQ(letters.front().attempts, 3);
    EXPECT_EQ(letters.front().error_type, "ReservationApi");
    EXPECT_EQ(letters.front().message.topic, "payment.completed");

    auto again = result_of(loop, relay->relay({letters.front().message}));
    EXPECT_EQ(again.front().kind, broker::Relayed::Kind::Later);
    services.failures.clear();
    again = result_of(loop, relay->relay({letters.front().message}));
    EXPECT_EQ(again.front().kind, broker::Relayed::Kind::Done);
    EXPECT_EQ(count("commit concert/A-1/A-2"), 1);
}

TEST_F(TaskWorkerTest, WhatCanNeverSucceedIsParkedAtOnceWithItsReason) {
    services.failures["commit"] = CallFailure::Kind::Final;
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(eventually([this] {
        return shows(R"(worker_events_total{outcome="failed",type="payment.approved"} 1)");
    }));
    EXPECT_TRUE(emptied());
    ASSERT_EQ(dead_letters().size(), 1U);
    EXPECT_EQ(dead_letters().front().error_type, "Inventory");
    EXPECT_EQ(dead_letters().front().attempts, 1);
    tell("rsv-1", "CANCELLED", "pay-2");
    EXPECT_TRUE(called("CANCELLED rsv-1")) << "the next payment does not wait for a person";
}

TEST_F(TaskWorkerTest, AnEventThatIsNoneOfOursIsParkedByTheGroup) {
    tell("rsv-1", "REFUNDED");
    EXPECT_TRUE(eventually([this] {
        return shows(
            R"(florin_consumer_messages_total{group="reservation-worker",result="dead_letter"} 1)");
    }));
    ASSERT_EQ(dead_letters().size(), 1U);
    EXPECT_EQ(dead_letters().front().error_type, "UnknownEventType");
    EXPECT_EQ(result_of(loop, relay->relay({dead_letters().front().message})).front().kind,
              broker::Relayed::Kind::Poison);
}

TEST_F(TaskWorkerTest, OnlySoManyAreHandledAtOnce) {
    held = "find";
    for (int i = 0; i < 9; ++i) tell("rsv-" + std::to_string(i), "COMPLETED");
    EXPECT_TRUE(eventually([this] { return services.calls.size() == concurrency; }));
    EXPECT_TRUE(shows("worker_active_goroutines 4"));
    held.clear();
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls.size(), 27U);
}

TEST_F(TaskWorkerTest, AStopFinishesWhatIsUnderWayAndTheNextWorkerDoesTheRest) {
    held = "find";
    for (int i = 0; i < 9; ++i) tell("rsv-" + std::to_string(i), "COMPLETED");
    EXPECT_TRUE(eventually([this] { return services.calls.size() == concurrency; }));
    EXPECT_TRUE(waiting(9));
    EXPECT_FALSE(result_of(loop, worker->stop(Milliseconds(5)))) << "they are still under way";
    held.clear();
    EXPECT_TRUE(stop());
    EXPECT_TRUE(waiting(5));
    begin();
    EXPECT_TRUE(emptied());
    EXPECT_EQ(count("commit concert/A-1/A-2"), 9);
}

TEST_F(TaskWorkerTest, AStoreThatIsAwayForAWhileRepeatsNoEffectThatWasWrittenDown) {
    store_away = true;
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(eventually([this] {
        return shows(R"(worker_events_total{outcome="retried",type="payment.approved"} 1)");
    }));
    store_away = false;
    clock.advance(Seconds(2));
    EXPECT_TRUE(emptied());
    tell("rsv-1", "COMPLETED");
    EXPECT_TRUE(eventually([this] {
        return shows(R"(worker_events_total{outcome="success",type="payment.approved"} 2)");
    }));
    EXPECT_EQ(count("CONFIRMED rsv-1"), 1) << "the inbox knows the news";
}

}  // namespace
}  // namespace florin::reservation
