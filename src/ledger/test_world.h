#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/verify.h"
#include "platform/runtime/result_of.h"
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
        return runtime::result_of(loop_, store_->read(std::move(query)));
    }
    void post(const Posting& posting) {
        write([&](store::Transaction& tx) { ledger::post(tx, posting); });
    }
    Verification verify(int postings_a_page = 2'000) {
        return read(
            [postings_a_page](store::Snapshot& s) { return ledger::verify(s, postings_a_page); });
    }
    Book book(const std::string& merchant) {
        return read(
            [&](store::Snapshot& s) { return book_of(s, merchant, Currency::krw()).value(); });
    }

private:
    awaitable<void> written(std::function<void(store::Transaction&)> command) {
        co_await store_->write([command](store::Transaction& tx) { command(tx); });
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
