#include "gateway/webhooks/dispatcher.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "gateway/webhooks/delivery_store.h"
#include "gateway/webhooks/sender.h"
#include "platform/base/manual_clock.h"
#include "platform/leases/leases.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::gateway {
namespace {

using State = WebhookDelivery::State;
constexpr store::Sql count_pending("SELECT count(*) FROM webhook_delivery WHERE state = 0");

/// A store whose writes a test can make fail, as when the disk is full.
class FaultyStore final : public store::Store {
public:
    explicit FaultyStore(store::Store& real) : real_(real) {}
    [[nodiscard]] store::StoreState state() const override { return real_.state(); }
    [[nodiscard]] bool shared() const override { return others; }

    bool others = false;  // work on the same store
    bool refuses_writes = false;
    int refused = 0;

private:
    // Stored commands run through the real store one by one: enough for a test.
    void submit(store::WriteOperation& operation) override {
        if (!refuses_writes) {
            runtime::spawn(*operation.loop, "write", forward(operation));
            return;
        }
        ++refused;
        operation.fault = std::make_exception_ptr(store::StoreFault("the disk is full"));
        operation.next = nullptr;
        operation.loop->complete(&operation);
    }
    void submit(store::ReadOperation& operation) override {
        runtime::spawn(*operation.loop, "read", forward(operation));
    }
    awaitable<void> forward(store::WriteOperation& operation) {
        co_await real_.write([&operation](store::Transaction& tx) { operation.run(tx); });
        operation.resume();
    }
    awaitable<void> forward(store::ReadOperation& operation) {
        co_await real_.read([&operation](store::Snapshot& snapshot) { operation.run(snapshot); });
        operation.resume();
    }

    store::Store& real_;
};

/// Receivers that answer as told at once, unless their origin is held.
class FakeSender final : public WebhookSender {
public:
    awaitable<SendResult> send(WebhookDelivery delivery, int attempt) override {
        ++under_way[delivery.origin];
        while (held.contains(delivery.origin)) co_await runtime::sleep_for(Milliseconds(1));
        --under_way[delivery.origin];
        sent.emplace_back(delivery.id, attempt);
        const auto answer = answers.find(delivery.origin);
        co_return answer != answers.end() ? answer->second : SendResult{200, "", "", false, {}};
    }

    std::vector<std::pair<Uuid, int>> sent;
    std::map<std::string, SendResult> answers;
    std::set<std::string> held;
    std::map<std::string, int> under_way;
};

/// Everything is ours but what a test gives to others.
class FakeLeases final : public leases::Leases {
public:
    bool ours(std::string_view work) override {
        wanted.emplace(work);
        return !others.contains(work);
    }
    void leave(std::string_view /*work*/) override {}

    std::set<std::string, std::less<>> others;
    std::set<std::string, std::less<>> wanted;
};

struct DispatcherTest : testing::Test {
    DispatcherTest() {
        real_store = database.open(metrics);
        store = std::make_unique<FaultyStore>(*real_store);
    }
    ~DispatcherTest() override { stop(); }

    void start(DispatcherOptions options = {}) {
        dispatcher =
            std::make_unique<Dispatcher>(loop, *store, sender, leases, clock, options, metrics);
        runtime::spawn(loop, "webhooks", dispatcher->run());
    }
    void stop() {
        if (dispatcher) run(dispatcher->stop(std::chrono::seconds(20)));
        dispatcher.reset();
    }
    void run(awaitable<void> task) { runtime::run_until_done(loop, std::move(task)); }

    std::vector<WebhookDelivery> add(int count, const std::string& origin = "http://a.test:80") {
        std::vector<WebhookDelivery> made(static_cast<std::size_t>(count));
        for (auto& delivery : made) {
            delivery.id = ids.next();
            delivery.url = origin + "/hook";
            delivery.origin = origin;
            delivery.payment_status = 3;
            delivery.amount = {1, Currency::krw()};
            delivery.created_at = delivery.due_at = clock.now();
        }
        run(insert(*real_store, made));
        return made;
    }

    void until(const char* what, const std::function<bool()>& reached) { run(poll(what, reached)); }
    std::int64_t pending() {
        std::int64_t count = 0;
        run(count_into(*real_store, count));
        return count;
    }
    /// Waits until every result is stored.
    void until_pending(std::int64_t count) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (pending() != count && std::chrono::steady_clock::now() < deadline) {
        }
        ASSERT_EQ(pending(), count);
    }
    std::size_t different() const {
        std::set<Uuid> ids_sent;
        for (const auto& [id, attempt] : sender.sent) ids_sent.insert(id);
        return ids_sent.size();
    }
    double metric(const std::string& name) const {
        const std::string text = metrics.scrape();
        const auto at = text.find("\n" + name + " ");
        return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
    }

    telemetry::Metrics metrics;
    ManualClock clock;
    UuidGenerator ids{clock, 1};
    FakeSender sender;
    FakeLeases leases;
    runtime::Loop loop{"test"};
    store::TestDatabase database;
    std::unique_ptr<store::Store> real_store;
    std::unique_ptr<FaultyStore> store;
    std::unique_ptr<Dispatcher> dispatcher;

private:
    static awaitable<void> insert(store::Store& store, const std::vector<WebhookDelivery>& made) {
        co_await store.write([&made](store::Transaction& tx) {
            for (const auto& delivery : made) insert_delivery(tx, delivery);
        });
    }
    static awaitable<void> count_into(store::Store& store, std::int64_t& count) {
        count = co_await store.read([](store::Snapshot& snapshot) {
            auto rows = snapshot.query(count_pending);
            return rows.next() ? rows.integer(0) : -1;
        });
    }
    static awaitable<void> poll(const char* what, const std::function<bool()>& reached) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!reached()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error(std::string("waited in vain for ") + what);
            co_await runtime::sleep_for(Milliseconds(1));
        }
    }
};

TEST_F(DispatcherTest, TakesUpWhatTheStoreHoldsAtItsStart) {
    const auto made = add(50);
    start({.per_origin_max = 1});
    until("all", [this] { return sender.sent.size() == 50; });
    for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(sender.sent[i].first, made[i].id);
    until_pending(0);
}

TEST_F(DispatcherTest, DeliversMoreThanALaneHoldsExactlyOnceOfferedOrNot) {
    sender.held = {"http://a.test:80"};
    start({.per_origin_max = 8, .lane_queue_max = 100});
    for (int i = 0; i < 30; ++i) {
        auto made = add(100);
        if (i == 15) sender.held.clear();
        if (i % 3 != 2) dispatcher->offer(std::move(made));
        if (i % 3 == 2) dispatcher->look_again();
    }
    dispatcher->look_again();
    until_pending(0);
    EXPECT_EQ(sender.sent.size(), 3'000U);
    EXPECT_EQ(different(), 3'000U);
    EXPECT_EQ(metric("florin_webhook_queue"), 0);
    EXPECT_EQ(metric("florin_webhook_in_flight"), 0);
}

// A refused address ends its attempt where it starts; thousands of them must not pile up on the
// stack.
TEST_F(DispatcherTest, BuriesThousandsThatAreRefusedAtOnce) {
    sender.answers["http://10.0.0.1:80"] = {0, "the egress policy refuses 10.0.0.1", "", true, {}};
    start({.lane_queue_max = 20'000});
    dispatcher->offer(add(10'000, "http://10.0.0.1:80"));
    until("all", [this] { return sender.sent.size() == 10'000; });
    until_pending(0);
    EXPECT_EQ(different(), 10'000U);
}

TEST_F(DispatcherTest, RetriesWhenTheClockSaysSoAndGivesUpAfterTheLast) {
    sender.answers["http://a.test:80"] = {503, "it answered 503", "30", false, {}};
    DispatcherOptions options;
    options.retry.attempts_max = 3;
    start(options);
    const auto made = add(1);
    dispatcher->offer(made);
    for (std::size_t attempt = 1; attempt <= 3; ++attempt) {
        until("an attempt", [&] { return sender.sent.size() == attempt; });
        EXPECT_EQ(sender.sent.back(), std::pair(made[0].id, static_cast<int>(attempt)));
        until("its result", [this] { return metric("florin_webhook_in_flight") == 0; });
        // The retry becomes known to its lane after the write; a look before that finds nothing.
        clock.advance(Seconds(30));
        until("the next", [&] {
            dispatcher->look_again();
            return attempt == 3 || sender.sent.size() > attempt;
        });
    }
    until_pending(0);
    EXPECT_EQ(sender.sent.size(), 3U);
}

TEST_F(DispatcherTest, AReceiverThatHangsDelaysNoOther) {
    sender.held = {"http://dead.test:80"};
    start({.per_origin_max = 4});
    dispatcher->offer(add(50, "http://dead.test:80"));
    dispatcher->offer(add(50, "http://alive.test:80"));
    until("the living", [this] { return sender.sent.size() == 50; });
    EXPECT_EQ(sender.under_way["http://dead.test:80"], 4);
    sender.held.clear();
    until_pending(0);
}

TEST_F(DispatcherTest, ServesMoreReceiversThanItHasLanes) {
    start({.lanes_max = 3});
    for (int i = 0; i < 20; ++i) {
        dispatcher->offer(add(5, "http://receiver" + std::to_string(i) + ".test:80"));
    }
    until("all", [this] {
        clock.advance(Seconds(5));
        dispatcher->look_again();
        return sender.sent.size() >= 100;
    });
    until_pending(0);
    EXPECT_EQ(sender.sent.size(), 100U);
    EXPECT_LE(metric("florin_webhook_lanes"), 3);
}

TEST_F(DispatcherTest, KeepsResultsUntilTheStoreTakesThemAgain) {
    start();
    store->refuses_writes = true;
    dispatcher->offer(add(10));
    until("the attempts", [this] { return sender.sent.size() == 10 && store->refused > 0; });
    dispatcher->look_again();  // they are still pending there, and yet not sent twice
    store->refuses_writes = false;
    until_pending(0);
    EXPECT_EQ(sender.sent.size(), 10U);
}

TEST_F(DispatcherTest, StopsStartingAttemptsWhenTooManyResultsWaitForTheStore) {
    constexpr std::size_t results_max = 16'384;
    start({.per_origin_max = 8, .lane_queue_max = 40'000});
    store->refuses_writes = true;
    dispatcher->offer(add(20'000));
    until("the limit", [this] { return sender.sent.size() >= results_max; });
    EXPECT_LE(sender.sent.size(), results_max + 8);
    store->refuses_writes = false;
    until_pending(0);
    EXPECT_EQ(sender.sent.size(), 20'000U);
    EXPECT_EQ(different(), 20'000U);
}

TEST_F(DispatcherTest, StopRecordsWhatIsUnderWayAndALaterStartSendsTheRest) {
    sender.held = {"http://a.test:80"};
    start({.per_origin_max = 5});
    dispatcher->offer(add(20));
    until("five", [this] { return sender.under_way["http://a.test:80"] == 5; });
    loop.post([this] {
        runtime::spawn(loop, "stop", dispatcher->stop(std::chrono::seconds(20)));
        sender.held.clear();
    });
    stop();
    EXPECT_EQ(sender.sent.size(), 5U);
    EXPECT_EQ(pending(), 15);
    start();
    until_pending(0);
    EXPECT_EQ(sender.sent.size(), 20U);
    EXPECT_EQ(different(), 20U);
}

TEST_F(DispatcherTest, LeavesAReceiverToTheProcessWhoseItIs) {
    store->others = true;
    leases.others = {"http://a.test:80"};
    add(1, "http://a.test:80");
    add(1, "http://b.test:80");
    start();
    until("the receiver that is ours", [this] { return sender.sent.size() == 1; });
    until_pending(1);
    leases.others.clear();
    dispatcher->look_again();
    until("the one that became ours", [this] { return sender.sent.size() == 2; });
    until_pending(0);
}

TEST_F(DispatcherTest, LeavesWhatIsOfferedToAnotherProcessUnlessItRuns) {
    Dispatcher idle(loop, *store, sender, leases, clock, {}, metrics);
    idle.offer(add(1));
    bool after_the_offer = false;
    loop.post([&] { after_the_offer = true; });
    until("the offer to be looked at", [&] { return after_the_offer; });
    EXPECT_TRUE(sender.sent.empty());
    EXPECT_TRUE(leases.wanted.empty()) << "the receiver would wait for a process that never sends";
    EXPECT_EQ(pending(), 1);
}

TEST_F(DispatcherTest, FindsWebhooksThatAnotherProcessHasLeftForItsReceiver) {
    store->others = true;
    add(1);
    start();
    until("the first", [this] { return sender.sent.size() == 1; });
    until_pending(0);
    add(1);
    until("the one nobody offered", [this] {
        clock.advance(Milliseconds(200));  // again and again: it may look before it begins to wait
        return sender.sent.size() == 2;
    });
    until_pending(0);
}

TEST_F(DispatcherTest, SendsNothingMoreWhenItsLeaseIsGoneAndGoesOnWhenItIsBack) {
    store->others = true;
    sender.held = {"http://a.test:80"};
    add(5);
    start({.per_origin_max = 1});
    until("the first attempt", [this] { return sender.under_way["http://a.test:80"] == 1; });
    leases.others = {"http://a.test:80"};
    sender.held.clear();
    until_pending(4);
    EXPECT_EQ(sender.sent.size(), 1U);
    leases.others.clear();
    dispatcher->look_again();
    until("the rest", [this] {
        clock.advance(Milliseconds(200));
        return sender.sent.size() == 5;
    });
    until_pending(0);
    EXPECT_EQ(different(), 5U);
}

}  // namespace
}  // namespace florin::gateway
