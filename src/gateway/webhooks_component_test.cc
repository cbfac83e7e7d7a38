#include <gtest/gtest.h>

#include "gateway/test_world.h"
#include "platform/leases/leases.h"

namespace florin::gateway {
namespace {

constexpr store::Sql count_pending("SELECT count(*) FROM webhook_delivery WHERE state = 0");

DispatcherOptions lanes(std::size_t per_origin_max, std::size_t lane_queue_max = 1'024) {
    DispatcherOptions options;
    options.per_origin_max = per_origin_max;
    options.lane_queue_max = lane_queue_max;
    return options;
}

/// A dispatcher over the world, running; the test's real-time waits have a deadline.
class Webhooks {
public:
    explicit Webhooks(TestWorld& world, DispatcherOptions options = {})
        : world_(world),
          dispatcher_(*world.loop, *world.store, world.sender, leases_, world.clock, options,
                      *world.metrics) {
        runtime::spawn(*world.loop, "webhooks", dispatcher_.run());
    }
    ~Webhooks() { world_.run(dispatcher_.stop(std::chrono::seconds(5))); }

    std::vector<WebhookDelivery> add(int count, const std::string& url = "http://a.test:80/hook") {
        std::vector<WebhookDelivery> deliveries;
        UuidGenerator ids(world_.clock, ++seed_);
        for (int i = 0; i < count; ++i) {
            WebhookDelivery delivery;
            delivery.id = ids.next();
            delivery.url = url;
            delivery.origin = url.substr(0, url.rfind('/'));
            delivery.payment_status = 3;
            delivery.amount = {1, Currency::krw()};
            delivery.created_at = world_.clock.now();
            delivery.due_at = world_.clock.now();
            deliveries.push_back(delivery);
        }
        world_.run(insert(world_, deliveries));
        return deliveries;
    }

    void until(const char* what, const std::function<bool()>& reached) {
        world_.run(poll(what, reached));
    }

    Dispatcher& dispatcher() { return dispatcher_; }

private:
    static awaitable<void> insert(TestWorld& world,
                                  const std::vector<WebhookDelivery>& deliveries) {
        co_await world.store->write([&](store::Transaction& tx) {
            for (const auto& delivery : deliveries) insert_delivery(tx, delivery);
        });
    }
    static awaitable<void> poll(const char* what, const std::function<bool()>& reached) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!reached()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error(std::string("waited for ") + what);
            co_await runtime::sleep_for(Milliseconds(1));
        }
    }

    TestWorld& world_;
    leases::SoleLeases leases_;
    Dispatcher dispatcher_;
    std::uint64_t seed_ = 100;
};

WebhookRecord record_of(TestWorld& world, const Uuid& id) {
    return *world.get(world.store->read(
        [&id](store::Snapshot& snapshot) { return find_delivery(snapshot, id); }));
}

/// Waits until every result is stored; asking the store lets the loop work.
bool nothing_pending(TestWorld& world) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (world.count(count_pending) > 0) {
        if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
}

TEST(Dispatcher, SendsWhatTheStoreHoldsInOrder) {
    TestWorld world;
    Webhooks webhooks(world, lanes(1));
    const auto deliveries = webhooks.add(20);
    webhooks.dispatcher().look_again();
    webhooks.until("all", [&] { return world.sender.sent.size() == 20; });
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(world.sender.sent[i].first.id, deliveries[i].id);
    EXPECT_EQ(world.sender.most_under_way, 1);
}

TEST(Dispatcher, RetriesAfterItsBackoffAndGivesUpAfterTheLast) {
    TestWorld world;
    world.sender.answers = {
        SendResult{500, "the receiver answered 500", "", false, Milliseconds(1)}};
    DispatcherOptions options;
    options.retry.attempts_max = 3;
    Webhooks webhooks(world, options);
    const auto id = webhooks.add(1)[0].id;
    webhooks.dispatcher().look_again();
    for (int attempt = 1; attempt <= 3; ++attempt) {
        webhooks.until("an attempt", [&] {
            return world.sender.sent.size() == static_cast<std::size_t>(attempt);
        });
        EXPECT_EQ(world.sender.sent.back().second, attempt);
        webhooks.until("its record", [&] { return true; });
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (record_of(world, id).delivery.attempts < attempt &&
               std::chrono::steady_clock::now() < deadline) {
        }
        world.clock.advance(Milliseconds(500 << attempt));
        webhooks.dispatcher().look_again();
    }
    const auto record = record_of(world, id);
    EXPECT_EQ(record.delivery.state, WebhookDelivery::State::Dead);
    EXPECT_EQ(record.attempts.size(), 3U);
    EXPECT_EQ(record.attempts[0].http_status, 500);
}

TEST(Dispatcher, DeliversMoreThanFitsInMemoryExactlyOnce) {
    TestWorld world;
    Webhooks webhooks(world, lanes(8, 100));
    auto deliveries = webhooks.add(3'000);
    webhooks.dispatcher().offer({deliveries.begin(), deliveries.begin() + 1'500});
    webhooks.dispatcher().look_again();
    webhooks.until("all", [&] { return world.sender.sent.size() >= 3'000; });
    EXPECT_TRUE(nothing_pending(world));
    std::set<Uuid> different;
    for (const auto& [delivery, attempt] : world.sender.sent) different.insert(delivery.id);
    EXPECT_EQ(different.size(), 3'000U);
    EXPECT_EQ(world.sender.sent.size(), 3'000U);
    EXPECT_LE(world.sender.most_under_way, 8);
}

TEST(Dispatcher, AReceiverThatHangsDoesNotStopAnother) {
    TestWorld world;
    world.sender.held = {"http://dead.test:80"};
    {
        Webhooks webhooks(world, lanes(4));
        webhooks.add(50, "http://dead.test:80/hook");
        webhooks.add(50, "http://alive.test:80/hook");
        webhooks.dispatcher().look_again();
        webhooks.until("the living, beside the dead", [&] {
            return world.sender.sent.size() == 50 && world.sender.under_way == 4;
        });
        world.sender.held.clear();
        webhooks.until("the dead", [&] { return world.sender.sent.size() == 100; });
    }
}

TEST(Dispatcher, StopRecordsWhatIsUnderWayAndARestartSendsTheRest) {
    TestWorld world;
    {
        Webhooks webhooks(world, lanes(5));
        world.sender.held = {"http://a.test:80"};
        webhooks.add(20);
        webhooks.dispatcher().look_again();
        webhooks.until("five", [&] { return world.sender.under_way == 5; });
        world.sender.held.clear();
    }
    const auto before = world.sender.sent.size();
    EXPECT_GE(before, 5U);
    EXPECT_EQ(world.count(count_pending), 20 - static_cast<std::int64_t>(before));
    world.restart();
    Webhooks again(world);
    again.until("the rest", [&] { return world.sender.sent.size() == 20; });
    std::set<Uuid> different;
    for (const auto& [delivery, attempt] : world.sender.sent) different.insert(delivery.id);
    EXPECT_EQ(different.size(), 20U);
}

TEST(Resend, MakesADeadDeliveryPendingAgainUnderItsOldId) {
    TestWorld world;
    world.sender.answers = {SendResult{410, "the receiver answered 410", "", false, {}},
                            SendResult{200, "", "", false, {}}};
    Webhooks webhooks(world);
    const auto id = webhooks.add(1)[0].id;
    webhooks.dispatcher().look_again();
    webhooks.until("the attempt", [&] { return world.sender.sent.size() == 1; });
    EXPECT_TRUE(nothing_pending(world));
    EXPECT_EQ(record_of(world, id).delivery.state, WebhookDelivery::State::Dead);
    const auto now = world.clock.now();
    auto sent = world.get(
        world.store->write([&](store::Transaction& tx) { return resend_delivery(tx, id, now); }));
    ASSERT_TRUE(sent);
    webhooks.dispatcher().offer({*sent});
    webhooks.until("the second", [&] { return world.sender.sent.size() == 2; });
    EXPECT_TRUE(nothing_pending(world));
    EXPECT_EQ(record_of(world, id).delivery.state, WebhookDelivery::State::Delivered);
    EXPECT_EQ(record_of(world, id).attempts.size(), 2U);
}

}  // namespace
}  // namespace florin::gateway
