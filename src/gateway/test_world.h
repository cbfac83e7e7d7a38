#pragma once

#include <memory>
#include <set>
#include <vector>

#include "gateway/intent_store.h"
#include "gateway/payment_service.h"
#include "gateway/settlement.h"
#include "gateway/webhooks/delivery_store.h"
#include "gateway/webhooks/dispatcher.h"
#include "gateway/webhooks/sender.h"
#include "platform/base/manual_clock.h"
#include "platform/base/require.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::gateway {

/// Receivers that answer as told and remember what they got. On the world's loop.
class FakeSender final : public WebhookSender {
public:
    awaitable<SendResult> send(WebhookDelivery delivery, int attempt) override {
        ++under_way;
        most_under_way = std::max(most_under_way, under_way);
        while (held.contains(delivery.origin)) co_await runtime::sleep_for(Milliseconds(1));
        --under_way;
        sent.emplace_back(std::move(delivery), attempt);
        SendResult result =
            answers.empty() ? SendResult{200, "", "", false, Milliseconds(1)} : answers.front();
        if (answers.size() > 1) answers.erase(answers.begin());
        co_return result;
    }

    std::vector<std::pair<WebhookDelivery, int>> sent;
    std::vector<SendResult> answers;  // one after the other, the last one for ever; none: 200
    std::set<std::string> held;       // origins whose attempts wait
    int under_way = 0;
    int most_under_way = 0;
};

/// The gateway on one loop, over a real store, with a clock that stands still until it is moved.
class TestWorld {
public:
    explicit TestWorld(std::uint64_t seed = 1) : dice_seed(seed) { open(); }
    ~TestWorld() { close(); }
    TestWorld(const TestWorld&) = delete;
    TestWorld& operator=(const TestWorld&) = delete;

    /// Ends the process, as far as the store can tell, and starts it again.
    void restart() {
        close();
        open();
    }

    void run(awaitable<void> task) { runtime::run_until_done(*loop, std::move(task)); }

    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop, std::move(task));
    }

    /// Moves the clock and lets the settlement clock do its pass.
    void advance(Microseconds by) {
        clock.advance(by);
        run(settlement->settle_due());
    }

    PaymentIntent create(Scenario scenario, std::string webhook_url = "",
                         std::string user = "user-1") {
        PaymentIntent request;
        request.reservation_id = "rsv-1";
        request.user_id = std::move(user);
        request.amount = {10'000, Currency::krw()};
        request.scenario = scenario;
        request.webhook_url = std::move(webhook_url);
        PaymentIntent intent = payments->prepare(std::move(request), std::nullopt);
        require(get(payments->create(intent, {}, "")).has_value(),
                "a create without a key is never refused");
        return intent;
    }

    PaymentIntent stored(const Uuid& id) { return *get(payments->find(id, "")); }

    std::int64_t count(const store::Sql& sql) {
        return get(store->read([&sql](store::Snapshot& snapshot) {
            auto rows = snapshot.query(sql);
            rows.next();
            return rows.integer(0);
        }));
    }

    const std::uint64_t dice_seed;
    store::TestDatabase database;
    ManualClock clock;
    ServiceSettings settings;
    FakeSender sender;
    std::vector<WebhookDelivery> offered;
    std::unique_ptr<telemetry::Metrics> metrics;
    std::unique_ptr<runtime::Loop> loop;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<ScenarioDice> dice;
    std::unique_ptr<store::Buckets> buckets;
    std::unique_ptr<SettlementClock> settlement;
    std::unique_ptr<PaymentService> payments;

private:
    void open() {
        metrics = std::make_unique<telemetry::Metrics>();
        loop = std::make_unique<runtime::Loop>("test");
        store = database.open(*metrics);
        buckets = std::make_unique<store::Buckets>(*store);
        dice = std::make_unique<ScenarioDice>(dice_seed, 0.5);
        const auto offer = [this](std::vector<WebhookDelivery> deliveries) {
            for (auto& delivery : deliveries) offered.push_back(std::move(delivery));
        };
        settlement = std::make_unique<SettlementClock>(*loop, *store, clock,
                                                       UuidGenerator(clock, 1), offer, *metrics);
        payments = std::make_unique<PaymentService>(
            *store, clock, UuidGenerator(clock, 2), *dice, *buckets, settings,
            [this](Instant due) { settlement->expect(due); }, offer, *metrics);
    }

    void close() {
        payments.reset();
        settlement.reset();
        store.reset();
        loop.reset();
        metrics.reset();
    }
};

}  // namespace florin::gateway
