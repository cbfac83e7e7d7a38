#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/verify.h"
#include "platform/runtime/loop.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::ledger {

/// A ledger in a database of its own.
class World {
public:
    World() : store_(database_.open(metrics_)) {}

    [[nodiscard]] const store::TestDatabase& database() const { return database_; }

    void write(const std::function<void(store::Transaction&)>& command) {
        runtime::run_until_done(loop_, written(command));
    }
    template <class Query>
    auto read(Query query) {
        std::optional<std::invoke_result_t<Query&, store::Snapshot&>> result;
        runtime::run_until_done(loop_, kept(store_->read(std::move(query)), result));
        return std::move(*result);
    }
    void post(const Posting& posting) {
        write([&](store::Transaction& tx) { ledger::post(tx, posting); });
    }
    Verification verify() {
        return read([](store::Snapshot& s) { return ledger::verify(s); });
    }
    Book book(const std::string& merchant) {
        return read(
            [&](store::Snapshot& s) { return book_of(s, merchant, Currency::krw()).value(); });
    }

private:
    awaitable<void> written(std::function<void(store::Transaction&)> command) {
        co_await store_->write([command](store::Transaction& tx) { command(tx); });
    }
    template <class T>
    static awaitable<void> kept(awaitable<T> task, std::optional<T>& result) {
        result.emplace(co_await std::move(task));
    }

    store::TestDatabase database_;
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"test"};
    std::unique_ptr<store::Store> store_;
};

inline Uuid payment(std::uint8_t number) {
    Uuid id;
    id.bytes[15] = number;
    return id;
}

inline Posting posting(std::string merchant, std::uint8_t subject, std::int64_t step,
                       Movement movement, std::vector<Entry> entries) {
    return {.merchant = std::move(merchant),
            .currency = Currency::krw(),
            .movement = movement,
            .subject = payment(subject),
            .step = step,
            .at = instant_from_unix_us(1'700'000'000'000'000),
            .entries = std::move(entries)};
}

}  // namespace florin::ledger
