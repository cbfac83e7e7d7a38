#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "merchants/authenticator.h"
#include "merchants/key_service.h"
#include "platform/base/manual_clock.h"
#include "platform/base/require.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::merchants {

/// Keys on one loop, over a real store, with a clock that stands still until it is moved.
/// `elsewhere` plays a second loop of the process, `another_process` one that shares the store
/// only.
class TestWorld {
public:
    TestWorld() {
        store = database.open(metrics);
        service = std::make_unique<KeyService>(*store, clock, UuidGenerator(clock, 1), changes);
        here = std::make_unique<Authenticator>(*store, clock, changes);
        elsewhere = std::make_unique<Authenticator>(*store, clock, changes);
        another_process = std::make_unique<Authenticator>(*store, clock, changes_of_another);
    }

    /// Uses that are still being recorded end before their loop does.
    ~TestWorld() { writes(); }
    TestWorld(const TestWorld&) = delete;
    TestWorld& operator=(const TestWorld&) = delete;

    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(loop, std::move(task));
    }

    IssuedKey issue(CreateKey request) { return get(service->create(std::move(request))).value(); }
    IssuedKey issue(std::string merchant) {
        return issue(CreateKey{.merchant = std::move(merchant), .name = "till"});
    }
    RotatedKey rotate(const ApiKey& key, std::chrono::hours grace = std::chrono::hours(24)) {
        return get(service->rotate(key.merchant, key.id, grace)).value();
    }
    ApiKey revoke(const ApiKey& key) { return get(service->revoke(key.merchant, key.id)).value(); }
    ApiKey stored(const ApiKey& key) { return get(service->find(key.id)).value(); }

    std::optional<Denial> check(Authenticator& authenticator, const std::string& key,
                                Scope scope = Scope::PaymentsWrite) {
        const auto merchant = get(authenticator.merchant_of(key, scope));
        return merchant ? std::nullopt : std::optional(merchant.error());
    }
    std::optional<Denial> check(const std::string& key, Scope scope = Scope::PaymentsWrite) {
        return check(*here, key, scope);
    }
    /// The commands the store has run, with all that were on their way.
    double writes() {
        const bool done = get(store->write([](store::Transaction&) { return true; }));
        require(done, "an empty command succeeds");
        ++own_writes_;
        const std::string text = metrics.scrape();
        const std::string_view name = "florin_store_batch_commands_sum ";
        return std::stod(text.substr(text.find(name) + name.size())) - own_writes_;
    }

    ManualClock clock;
    telemetry::Metrics metrics;
    runtime::Loop loop{"test"};
    store::TestDatabase database;
    std::unique_ptr<store::Store> store;
    KeyChanges changes;
    KeyChanges changes_of_another;
    std::unique_ptr<KeyService> service;
    std::unique_ptr<Authenticator> here;
    std::unique_ptr<Authenticator> elsewhere;
    std::unique_ptr<Authenticator> another_process;

private:
    int own_writes_ = 0;
};

}  // namespace florin::merchants
