#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <expected>
#include <map>
#include <memory>
#include <optional>

#include "ledger/posting_metrics.h"
#include "platform/base/time.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"
#include "settlement/business_day.h"
#include "settlement/collect.h"
#include "settlement/statement_store.h"

namespace florin::leases {
class Leases;
}
namespace florin::store {
class Store;
}

namespace florin::settlement {

struct RunOptions {
    BusinessCalendar calendar{std::chrono::minutes(540), std::chrono::minutes(30)};
    Microseconds pause{2'000};  // between two pages or commands, for the traffic
    int postings_a_page = 1'000;
    std::size_t books_a_collection = 10'000;
    std::size_t statements_a_command = 32;
    /// Of processes that share the store: one of them settles on time. Nothing: this one.
    leases::Leases* leases = nullptr;
};

/// Why a day cannot be settled.
enum class RunRefusal : std::uint8_t {
    NotBegun,
    NotEnded,  // it may be closed early, if that is asked for
};
enum class Closing : std::uint8_t { AfterItsEnd, Early };

struct RunProgress {
    std::int64_t statements = 0;  // made by this call
    bool done = true;             // false: it ran out of patience; ask again
};

/// Makes the settlement statements: each business day, some time after its end, one for every book
/// that moved money since its last one, and pays its net out in the ledger in the same commit. Days
/// missed while no process ran are made up for, one by one. It works in pages and small commands
/// with a pause in between, and goes on after a crash where it was. Several processes may run one
/// over the same store: who comes second notices and changes nothing. On one loop.
class DailyRun {
public:
    /// The references outlive this object.
    DailyRun(runtime::Loop& loop, store::Store& store, const Clock& clock, RunOptions options,
             telemetry::Metrics& metrics);

    /// Settles what is due until `stop`. Spawn it once.
    awaitable<void> run();
    /// Thread-safe.
    void stop();

    /// Settles all that is due; how many statements it made. For `run`, and for tests that hold the
    /// clock.
    awaitable<std::int64_t> settle_due();
    /// Settles every day up to `day` for at most `patience`. A day that is closed early ends now:
    /// what comes later is in the next day's statements.
    awaitable<std::expected<RunProgress, RunRefusal>> settle_through(BusinessDay day,
                                                                     Closing closing,
                                                                     Milliseconds patience);
    /// The next commit on the way to having settled `through`, and no more than one; false when
    /// there is nothing left to do.
    awaitable<bool> step(BusinessDay through);

    /// Thread-safe, both.
    [[nodiscard]] const BusinessCalendar& calendar() const { return options_.calendar; }
    [[nodiscard]] BusinessDay today() const { return options_.calendar.day_of(clock_.now()); }

private:
    using Part = std::map<std::int64_t, Collection::Collected>;

    class Turn;
    [[nodiscard]] bool ours();
    awaitable<RunProgress> settle(BusinessDay through, Milliseconds patience);
    awaitable<bool> open_next(std::optional<StoredDay> last, BusinessDay through);
    awaitable<Collection> collect(StoredDay day);
    awaitable<void> make_statements();
    awaitable<bool> store_part(const Part& part, StoredDay reached);
    awaitable<void> look_into(std::exception_ptr fault, const Part& part, StoredDay reached);
    void report();

    store::Store& store_;
    const Clock& clock_;
    const RunOptions options_;
    runtime::Wakeup wakeup_;
    std::atomic<bool> stopping_{false};
    const std::shared_ptr<bool> busy_ = std::make_shared<bool>(false);
    // The open day and what is collected of it; forgotten when somebody else has worked on it.
    StoredDay day_;
    std::optional<Collection> collection_;
    bool one_by_one_ = false;  // after a command failed: to find the book that makes it fail
    std::int64_t made_ = 0;
    ledger::PostingMetrics postings_;
    telemetry::Counter paid_;
    telemetry::Counter carried_;
    telemetry::Counter set_aside_;
    telemetry::Gauge settled_through_;
};

}  // namespace florin::settlement
