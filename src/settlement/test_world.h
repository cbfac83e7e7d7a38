#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/verify.h"
#include "platform/base/manual_clock.h"
#include "platform/base/random.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"
#include "settlement/daily_run.h"

namespace florin::settlement {

/// Books of merchants in a real store, the daily run over them, and a clock that stands still until
/// it is moved. Days are UTC's, and are settled half an hour after their end.
class TestWorld {
public:
    explicit TestWorld(RunOptions run_options = quick()) : options(run_options) { open(); }
    ~TestWorld() { close(); }
    TestWorld(const TestWorld&) = delete;
    TestWorld& operator=(const TestWorld&) = delete;

    static RunOptions quick() {
        RunOptions options;
        options.calendar = BusinessCalendar(std::chrono::minutes(0), std::chrono::minutes(30));
        options.pause = Microseconds(0);
        return options;
    }

    /// Ends the process, as far as the store can tell, and starts it again.
    void restart() {
        close();
        open();
    }

    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop, std::move(task));
    }

    void post(const std::string& merchant, ledger::Movement movement,
              std::vector<ledger::Entry> entries, Currency currency = Currency::krw()) {
        ledger::Posting posting{.merchant = merchant,
                                .currency = currency,
                                .movement = movement,
                                .subject = first_uuid_at(clock.now()),
                                .step = ++steps_,
                                .at = clock.now(),
                                .entries = std::move(entries)};
        post(posting);
    }
    void post(const ledger::Posting& posting) {
        get(store->write([&posting](store::Transaction& tx) { return ledger::post(tx, posting); }));
    }
    void capture(const std::string& merchant, std::int64_t amount, std::int64_t fee) {
        post(merchant, ledger::Movement::Capture, ledger::capture_entries(amount, amount, fee));
    }
    void refund(const std::string& merchant, std::int64_t amount) {
        post(merchant, ledger::Movement::Refund, ledger::refund_entries(amount));
    }
    /// Some movements of several merchants in two currencies, the same for the same seed.
    void trade(std::uint64_t seed) {
        Random random(seed);
        for (auto left = random.next() % 12; left > 0; --left) {
            clock.advance(Seconds(static_cast<std::int64_t>(random.next() % 600)));
            const auto amount = static_cast<std::int64_t>(random.next() % 100'000) + 1;
            const auto merchant = "shop-" + std::to_string(random.next() % 7);
            const auto currency = *Currency::parse(random.next() % 4 == 0 ? "USD" : "KRW");
            switch (random.next() % 4) {
                case 0:
                    post(merchant, ledger::Movement::Refund, ledger::refund_entries(amount),
                         currency);
                    break;
                case 1:
                    post(merchant, ledger::Movement::Authorize, ledger::authorize_entries(amount),
                         currency);
                    break;
                default:
                    post(merchant, ledger::Movement::Capture,
                         ledger::capture_entries(amount, amount, amount / 33), currency);
            }
        }
    }

    /// Moves the clock to that time of a day, counted from the first one.
    void go_to(std::int32_t day, std::chrono::minutes time) {
        clock.set(options.calendar.begin_of({first_day.number + day}) + time);
    }
    static BusinessDay day(std::int32_t number) { return {first_day.number + number}; }

    std::vector<Statement> statements(const std::string& merchant = "") {
        return get(store->read([&merchant](store::Snapshot& snapshot) {
            StatementFilter filter;
            filter.merchant = merchant;
            filter.limit = 1'000'000;
            return list_statements(snapshot, filter);
        }));
    }
    std::vector<ledger::Book> books() {
        return get(store->read(
            [](store::Snapshot& snapshot) { return ledger::books(snapshot, 0, 1'000); }));
    }
    ledger::Book book(const std::string& merchant) {
        return *get(store->read([&merchant](store::Snapshot& snapshot) {
            return ledger::book_of(snapshot, merchant, Currency::krw());
        }));
    }
    ledger::Verification verify() {
        return get(store->read([](store::Snapshot& s) { return ledger::verify(s); }));
    }

    static constexpr BusinessDay first_day{20'000};
    RunOptions options;
    store::TestDatabase database;
    ManualClock clock{
        BusinessCalendar(std::chrono::minutes(0), std::chrono::minutes(0)).begin_of(first_day)};
    std::unique_ptr<telemetry::Metrics> metrics;
    std::unique_ptr<runtime::Loop> loop;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<DailyRun> run;

private:
    void open() {
        metrics = std::make_unique<telemetry::Metrics>();
        loop = std::make_unique<runtime::Loop>("test");
        store = database.open(*metrics);
        run = std::make_unique<DailyRun>(*loop, *store, clock, options, *metrics);
    }
    void close() {
        run.reset();
        store.reset();
        loop.reset();
        metrics.reset();
    }

    std::int64_t steps_ = 0;
};

}  // namespace florin::settlement
