#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/verify.h"
#include "payments/key_sealing.h"
#include "payments/payment_service.h"
#include "payments/recovery.h"
#include "payments/rule_gateway.h"
#include "payments/unique_keys.h"
#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::payments {

/// A gateway on the test's loop that answers as told and remembers, as a real one does, what it
/// has decided: a call repeated is the same call.
class FakeGateway final : public PaymentGateway {
public:
    [[nodiscard]] std::string_view name() const override { return "fake"; }
    [[nodiscard]] std::optional<GatewayAnswer> decide(const GatewayCall&) const override {
        return std::nullopt;
    }
    awaitable<GatewayAnswer> call(GatewayCall call) override {
        ++calls;
        while (held) co_await runtime::sleep_for(Milliseconds(1));
        GatewayAnswer answer = decide_on(call);
        while (answers_held) co_await runtime::sleep_for(Milliseconds(1));
        co_return answer;
    }
    awaitable<FindAnswer> find(GatewayCall call) override {
        ++finds;
        const bool mute = deaf;
        while (finds_held) co_await runtime::sleep_for(Milliseconds(1));
        if (mute) co_return Unknown{Unknown::Kind::Fault, "the gateway is down"};
        for (const auto& [key, answer] : decided) {
            if (key != call.idempotency_key()) continue;
            if (const auto* yes = std::get_if<Approved>(&answer)) co_return *yes;
            co_return std::get<Declined>(answer);
        }
        co_return NeverSeen{};
    }

    std::deque<GatewayAnswer> answers;  // to the next calls; none left: yes
    bool held = false;                  // calls wait before they are decided
    bool answers_held = false;          // calls wait when they are decided
    bool finds_held = false;            // questions wait
    bool deaf = false;                  // says nothing when asked what became of a call
    bool decides_before_it_fails = false;
    int calls = 0;
    int finds = 0;
    std::vector<std::pair<std::string, GatewayAnswer>> decided;  // by idempotency key

private:
    GatewayAnswer decide_on(const GatewayCall& call) {
        if (!answers.empty()) {
            GatewayAnswer answer = std::move(answers.front());
            answers.pop_front();
            if (std::holds_alternative<Unknown>(answer)) {
                if (decides_before_it_fails) remember(call, Approved{"ref-late", "APP1"});
                return answer;
            }
            return remember(call, std::move(answer));
        }
        return remember(call, Approved{"ref-" + call.payment.text(), "APP1"});
    }
    GatewayAnswer remember(const GatewayCall& call, GatewayAnswer answer) {
        for (const auto& [key, before] : decided) {
            if (key == call.idempotency_key()) return before;
        }
        return decided.emplace_back(call.idempotency_key(), std::move(answer)).second;
    }
};

/// Merchant payments on one loop, over a real store, with a clock that stands still until it is
/// moved. The merchant "remote" pays through the fake gateway, everybody else by the rules.
class TestWorld {
public:
    TestWorld() { open(); }
    ~TestWorld() { close(); }
    TestWorld(const TestWorld&) = delete;
    TestWorld& operator=(const TestWorld&) = delete;

    /// Ends the process, as far as the store can tell, and starts it again. What the gateway knows
    /// stays.
    void restart() {
        const auto known = fake->decided;
        close();
        open();
        fake->decided = known;
    }

    void run(awaitable<void> task) { runtime::run_until_done(*loop, std::move(task)); }
    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop, std::move(task));
    }

    AuthorizePayment authorization(std::string merchant, std::int64_t amount, std::string key) {
        AuthorizePayment request;
        request.merchant = std::move(merchant);
        request.amount = amount;
        request.key = std::move(key);
        request.claim = make_key(request.merchant, Operation::Authorize, request.key,
                                 "KRW" + std::to_string(amount));
        return request;
    }
    ChangePayment change(Operation operation, const Payment& payment,
                         std::optional<std::int64_t> amount, std::string key = "") {
        ChangePayment request;
        request.operation = operation;
        request.merchant = payment.merchant;
        request.payment = payment.id;
        request.amount = amount;
        request.reason = "a test";
        request.claim = make_key(payment.merchant, operation, key,
                                 payment.id.text() + std::to_string(amount.value_or(-1)));
        return request;
    }

    Payment authorized(const std::string& merchant, std::int64_t amount) {
        auto request = authorization(merchant, amount, "key-" + std::to_string(++keys_));
        const std::string digest = request.claim.digest;
        require(get(service->authorize(std::move(request))).has_value(), "it is authorized");
        return newest(merchant);
    }
    Payment newest(const std::string& merchant) {
        PaymentFilter filter;
        filter.merchant = merchant;
        return get(service->list(filter)).payments.front();
    }
    Payment stored(const Payment& payment) {
        return get(service->find(payment.merchant, payment.id))->payment;
    }

    /// Moves the clock and lets the recovery do a pass and end it.
    void advance(Microseconds by) {
        clock.advance(by);
        run(recover());
    }

    std::int64_t count(const store::Sql& sql) {
        return get(store->read([&sql](store::Snapshot& snapshot) {
            auto rows = snapshot.query(sql);
            rows.next();
            return rows.integer(0);
        }));
    }
    ledger::Verification verify() {
        return get(store->read([](store::Snapshot& s) { return ledger::verify(s); }));
    }

    /// florin_ledger_postings_total{movement="capture"} since the last restart.
    [[nodiscard]] bool counted(const std::string& movement, int postings) const {
        const std::string line = "florin_ledger_postings_total{movement=\"" + movement + "\"} " +
                                 std::to_string(postings) + "\n";
        return metrics->scrape().find(line) != std::string::npos;
    }

    store::TestDatabase database;
    ManualClock clock;
    ServiceSettings settings{.fee_basis_points = 300};
    RecoveryOptions recovery_options{.attempts_max = 3, .fee_basis_points = 300};
    std::unique_ptr<telemetry::Metrics> metrics;
    std::unique_ptr<runtime::Loop> loop;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<store::Buckets> buckets;
    std::unique_ptr<UsedKeys> keys;
    std::unique_ptr<KeySealing> sealing;  // of a database with one process
    std::unique_ptr<Gateways> gateways;
    FakeGateway* fake = nullptr;
    std::unique_ptr<PaymentService> service;
    std::unique_ptr<Recovery> recovery;

private:
    awaitable<void> recover() {
        co_await recovery->recover_due();
        require(co_await store::eventually([this] { return recovery->under_way() == 0; }),
                "recovery ends");
    }

    void open() {
        metrics = std::make_unique<telemetry::Metrics>();
        loop = std::make_unique<runtime::Loop>("test");
        store = database.open(*metrics);
        buckets = std::make_unique<store::Buckets>(*store);
        open_keys();
        gateways = std::make_unique<Gateways>(clock, limits::CircuitBreakerOptions{});
        gateways->add(std::make_unique<RuleGateway>(Milliseconds(20), Milliseconds(5)));
        auto made = std::make_unique<FakeGateway>();
        fake = made.get();
        gateways->add(std::move(made));
        gateways->assign("remote", "fake");
        service = std::make_unique<PaymentService>(
            *store, clock, UuidGenerator(clock, ++id_seed_), *gateways, *buckets, *keys, settings,
            [] {}, *metrics);
        recovery = std::make_unique<Recovery>(
            *loop, *store, clock, UuidGenerator(clock, ++id_seed_), *gateways, recovery_options,
            [] {}, *metrics);
    }

    void open_keys() {
        if (store->shared()) {
            keys = std::make_unique<UniqueKeys>();
            return;
        }
        auto index = std::make_unique<KeyIndex>(64);
        sealing = std::make_unique<KeySealing>(*loop, *store, clock, *index, *metrics);
        keys = std::move(index);
    }

    void close() {
        recovery.reset();
        sealing.reset();
        service.reset();
        store.reset();
        loop.reset();  // with the calls under way, which still hold their gateways
        gateways.reset();
        metrics.reset();
    }

    int keys_ = 0;
    std::uint64_t id_seed_ = 0;  // the clock stands still: a new seed for new ids
};

}  // namespace florin::payments
