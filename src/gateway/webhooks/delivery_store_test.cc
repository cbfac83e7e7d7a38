#include "gateway/webhooks/delivery_store.h"

#include <gtest/gtest.h>

#include "gateway/webhooks/delivery_results.h"
#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::gateway {
namespace {

using State = WebhookDelivery::State;

struct DeliveryStoreTest : testing::Test {
    DeliveryStoreTest() : store(database.open(metrics)) {}

    template <class Command>
    auto write(Command command) {
        return runtime::result_of(loop, store->write(std::move(command)));
    }
    template <class Query>
    auto read(Query query) {
        return runtime::result_of(loop, store->read(std::move(query)));
    }

    WebhookDelivery add(const std::string& origin, Instant due) {
        WebhookDelivery made;
        made.id = ids.next();
        made.intent = intent;
        made.url = origin + "/hook";
        made.origin = origin;
        made.reservation_id = "rsv-1";
        made.payment_status = 3;
        made.amount = {12'345, Currency::krw()};
        made.simulated = true;
        made.created_at = clock.now();
        made.due_at = due;
        made.trace_id = "trace-1";
        write([&made](store::Transaction& tx) {
            insert_delivery(tx, made);
            return true;
        });
        return made;
    }

    void record(const WebhookDelivery& of, State state, int number, Instant due = {}) {
        DeliveryResult result{of.id, state, due, {number, clock.now(), 7, 500, "it answered 500"}};
        if (state == State::Delivered) result.attempt = {number, clock.now(), 7, 204, ""};
        write([&result](store::Transaction& tx) {
            record_result(tx, result);
            return true;
        });
    }

    WebhookRecord find(const Uuid& id) {
        return *read([&id](store::Snapshot& snapshot) { return find_delivery(snapshot, id); });
    }
    std::size_t listed(std::optional<State> state) {
        return read([state](store::Snapshot& snapshot) {
                   return list_deliveries(snapshot, state, std::nullopt, 100);
               })
            .size();
    }
    auto resend(const Uuid& id) {
        return write([&](store::Transaction& tx) { return resend_delivery(tx, id, clock.now()); });
    }
    LaneContent lane(const std::string& origin, int limit = 100) {
        return read([&](store::Snapshot& snapshot) {
            return read_lane(snapshot, origin, clock.now(), limit);
        });
    }

    telemetry::Metrics metrics;
    ManualClock clock;
    UuidGenerator ids{clock, 1};
    const Uuid intent = ids.next();
    runtime::Loop loop{"test"};
    store::TestDatabase database;
    std::unique_ptr<store::Store> store;
};

TEST_F(DeliveryStoreTest, KeepsAllThatADeliverySays) {
    const auto made = add("http://a:80", clock.now());
    const auto found = find(made.id).delivery;
    EXPECT_EQ(found.intent, made.intent);
    EXPECT_EQ(found.url, made.url);
    EXPECT_EQ(found.origin, made.origin);
    EXPECT_EQ(found.reservation_id, made.reservation_id);
    EXPECT_EQ(found.payment_status, made.payment_status);
    EXPECT_EQ(found.amount, made.amount);
    EXPECT_TRUE(found.simulated);
    EXPECT_EQ(found.created_at, made.created_at);
    EXPECT_EQ(found.due_at, made.due_at);
    EXPECT_EQ(found.trace_id, made.trace_id);
    EXPECT_EQ(read([&](store::Snapshot& s) { return deliveries_of(s, intent); }).size(), 1U);
}

TEST_F(DeliveryStoreTest, TellsOfEveryAttempt) {
    const auto made = add("http://a:80", clock.now());
    record(made, State::Pending, 1, clock.now() + Seconds(1));
    record(made, State::Delivered, 2);
    const auto found = find(made.id);
    EXPECT_EQ(found.delivery.state, State::Delivered);
    EXPECT_EQ(found.delivery.attempts, 2);
    ASSERT_EQ(found.attempts.size(), 2U);
    EXPECT_EQ(found.attempts[0].error, "it answered 500");
    EXPECT_EQ(found.attempts[0].http_status, 500);
    EXPECT_EQ(found.attempts[1].error, "");
    EXPECT_EQ(found.attempts[1].http_status, 204);
    EXPECT_EQ(found.attempts[1].duration_ms, 7);
}

TEST_F(DeliveryStoreTest, AFinishedDeliveryStaysAsItIs) {
    const auto made = add("http://a:80", clock.now());
    record(made, State::Delivered, 1);
    record(made, State::Dead, 2);
    EXPECT_EQ(find(made.id).delivery.state, State::Delivered);
}

TEST_F(DeliveryStoreTest, ReadsALaneEarliestFirstAndSaysWhenTheNextIsDue) {
    const auto later = add("http://a:80", clock.now() + Seconds(9));
    const auto second = add("http://a:80", clock.now());
    const auto first = add("http://a:80", clock.now() - Seconds(1));
    add("http://b:80", clock.now());
    const auto content = lane("http://a:80");
    ASSERT_EQ(content.due.size(), 2U);
    EXPECT_EQ(content.due[0].id, first.id);
    EXPECT_EQ(content.due[1].id, second.id);
    EXPECT_EQ(content.next_due, later.due_at);
    EXPECT_EQ(lane("http://a:80", 1).due.size(), 1U);
}

TEST_F(DeliveryStoreTest, NamesTheReceiversThatHaveSomethingDue) {
    add("http://a:80", clock.now());
    add("http://a:80", clock.now());
    add("http://b:80", clock.now() + Seconds(5));
    add("http://c:80", clock.now() + Seconds(3));
    add("http://d:80", clock.now());
    record(add("http://e:80", clock.now()), State::Delivered, 1);
    const auto pending =
        read([&](store::Snapshot& snapshot) { return pending_origins(snapshot, clock.now(), 10); });
    EXPECT_EQ(pending.due, (std::vector<std::string>{"http://a:80", "http://d:80"}));
    EXPECT_EQ(pending.next_due, clock.now() + Seconds(3));
}

TEST_F(DeliveryStoreTest, ListsNewestFirstByState) {
    const auto pending = add("http://a:80", clock.now());
    const auto delivered = add("http://a:80", clock.now());
    const auto dead = add("http://a:80", clock.now());
    record(delivered, State::Delivered, 1);
    record(dead, State::Dead, 1);
    EXPECT_EQ(listed(std::nullopt), 3U);
    EXPECT_EQ(listed(State::Pending), 1U);
    EXPECT_EQ(listed(State::Delivered), 1U);
    EXPECT_EQ(listed(State::Dead), 1U);
    const auto page = read([&](store::Snapshot& snapshot) {
        return list_deliveries(snapshot, std::nullopt, dead.id, 1);
    });
    ASSERT_EQ(page.size(), 1U);
    EXPECT_EQ(page[0].delivery.id, delivered.id);
    const auto before = read([&](store::Snapshot& snapshot) {
        return list_deliveries(snapshot, State::Pending, pending.id, 10);
    });
    EXPECT_TRUE(before.empty());
}

TEST_F(DeliveryStoreTest, ResendingKeepsTheAttemptsAndGivesNewOnes) {
    const auto made = add("http://a:80", clock.now());
    record(made, State::Pending, 1, clock.now());
    record(made, State::Delivered, 2);
    const auto again = resend(made.id);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->attempts, 2);
    EXPECT_EQ(again->attempts_before_resend, 2);
    EXPECT_EQ(find(made.id).attempts.size(), 2U);
    EXPECT_EQ(lane("http://a:80").due.size(), 1U);
    record(made, State::Dead, 3);
    const auto found = find(made.id);
    EXPECT_EQ(found.delivery.attempts_before_resend, 2);
    ASSERT_EQ(found.attempts.size(), 3U);
    EXPECT_EQ(found.attempts[1].http_status, 204);
    EXPECT_EQ(found.attempts[2].http_status, 500);
}

TEST_F(DeliveryStoreTest, ResendsOnlyWhatIsFinished) {
    const auto made = add("http://a:80", clock.now());
    EXPECT_EQ(resend(made.id).error(), ResendRefusal::StillPending);
    EXPECT_EQ(resend(ids.next()).error(), ResendRefusal::NotFound);
}

TEST_F(DeliveryStoreTest, PrunesOldFinishedDeliveriesWithTheirAttempts) {
    const auto dead = add("http://a:80", clock.now());
    record(dead, State::Dead, 1);
    const auto pending = add("http://a:80", clock.now());
    clock.advance(Seconds(10));
    const auto young = add("http://a:80", clock.now());
    record(young, State::Delivered, 1);
    const Instant before = clock.now() - Seconds(1);
    EXPECT_EQ(write([before](store::Transaction& tx) { return prune_deliveries(tx, before, 10); }),
              1);
    EXPECT_EQ(find(pending.id).delivery.state, State::Pending);
    EXPECT_EQ(find(young.id).delivery.state, State::Delivered);
    EXPECT_EQ(listed(State::Dead), 0U);
}

}  // namespace
}  // namespace florin::gateway
