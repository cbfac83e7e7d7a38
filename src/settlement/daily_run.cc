#include "settlement/daily_run.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "ledger/ledger.h"
#include "ledger/walk.h"
#include "platform/base/faults.h"
#include "platform/base/require.h"
#include "platform/leases/leases.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::settlement {
namespace {

constexpr Microseconds look_interval = std::chrono::minutes(1);
constexpr Microseconds retry_after_fault = Milliseconds(500);
constexpr Microseconds look_for_lease_every = Seconds(1);
constexpr Milliseconds no_end = std::chrono::hours(24 * 365);

/// Somebody else has worked on the day since it was read.
struct Overtaken {};

struct Made {
    std::int64_t paid = 0;
    std::int64_t carried = 0;
};

bool same_progress(const std::optional<StoredDay>& stored, const StoredDay& expected) {
    return stored && stored->day == expected.day && !stored->closed_at &&
           stored->books_after == expected.books_after;
}

/// The day that holds the first posting no day holds yet, if it is `through` or earlier.
std::optional<BusinessDay> next_day(const std::optional<StoredDay>& last,
                                    const ledger::Placed& first, const BusinessCalendar& calendar,
                                    BusinessDay through, Instant now) {
    // A posting from the future had a wrong clock: it tells nothing.
    BusinessDay day = first.at > now ? through : calendar.day_of(first.at);
    // A day is settled once: what was booked after it was closed is in the next one.
    if (last) day = std::max(day, last->day.next());
    if (day > through) return std::nullopt;
    return day;
}

/// Makes one book's statement and its payout, both in the transaction.
void settle_book(store::Transaction& tx, std::int64_t book_id,
                 const Collection::Collected& collected, BusinessDay day, Instant now, Made& made) {
    const auto book = ledger::book_numbered(tx, book_id);
    require(book.has_value(), "a posting stands in a book");
    const auto before = last_statement(tx, book_id);
    Statement statement =
        make_statement({book_id, book->merchant, book->currency, day},
                       before ? before->carried_forward() : Carried{}, collected.turnover, now);
    if (const auto payout = payout_of(statement)) {
        statement.ledger_number = ledger::post(tx, *payout);
        ++made.paid;
    } else {
        ++made.carried;
    }
    insert_statement(tx, statement);
}

}  // namespace

/// One at a time: the timer's run and one that was asked for share the state. It may end with the
/// loop, after the run.
class DailyRun::Turn {
public:
    explicit Turn(std::shared_ptr<bool> taken) : taken_(std::move(taken)) { *taken_ = true; }
    ~Turn() { *taken_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    const std::shared_ptr<bool> taken_;
};

DailyRun::DailyRun(runtime::Loop& loop, store::Store& store, const Clock& clock, RunOptions options,
                   telemetry::Metrics& metrics)
    : store_(store), clock_(clock), options_(options), wakeup_(loop), postings_(metrics) {
    const auto count = [&metrics](const char* result) {
        return metrics.counter("florin_settlement_statements_total",
                               "Settlement statements: paid out, carried over, or set aside "
                               "because they could not be made.",
                               {{"result", result}});
    };
    paid_ = count("paid");
    carried_ = count("carried");
    set_aside_ = count("set_aside");
    settled_through_ =
        metrics.gauge("florin_settlement_settled_through_seconds",
                      "End of the last business day that was settled, in Unix time.");
}

void DailyRun::stop() {
    stopping_ = true;
    wakeup_.notify();
}

awaitable<void> DailyRun::run() {
    while (!stopping_) {
        Microseconds wait = look_interval;
        try {
            if (ours()) {
                co_await settle_due();
            } else {
                wait = look_for_lease_every;
            }
        } catch (const std::exception& fault) {
            telemetry::warning("The business day cannot be settled yet", {{"fault", fault.what()}});
            wait = retry_after_fault;
        }
        const Instant now = clock_.now();
        const Instant due = options_.calendar.due(options_.calendar.last_due(now).next());
        if (!stopping_) co_await wakeup_.wait_until(clock_, std::min(now + wait, due));
    }
}

bool DailyRun::ours() {
    return options_.leases == nullptr || options_.leases->ours("daily settlement");
}

awaitable<std::int64_t> DailyRun::settle_due() {
    const auto progress = co_await settle(options_.calendar.last_due(clock_.now()), no_end);
    co_return progress.statements;
}

awaitable<std::expected<RunProgress, RunRefusal>> DailyRun::settle_through(BusinessDay day,
                                                                           Closing closing,
                                                                           Milliseconds patience) {
    const Instant now = clock_.now();
    if (options_.calendar.begin_of(day) > now) co_return std::unexpected(RunRefusal::NotBegun);
    if (options_.calendar.end_of(day) > now && closing != Closing::Early)
        co_return std::unexpected(RunRefusal::NotEnded);
    co_return co_await settle(day, patience);
}

awaitable<RunProgress> DailyRun::settle(BusinessDay through, Milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (*busy_) co_await runtime::sleep_for(Milliseconds(5));
    const Turn turn(busy_);
    made_ = 0;
    while (!stopping_ && std::chrono::steady_clock::now() < until) {
        if (!co_await step(through)) co_return RunProgress{made_, true};
        if (options_.pause.count() > 0) co_await runtime::sleep_for(options_.pause);
    }
    co_return RunProgress{made_, false};
}

awaitable<bool> DailyRun::step(BusinessDay through) {
    if (!collection_) {
        const auto last = co_await store_.read(last_day);
        if (!last || last->closed_at) co_return co_await open_next(last, through);
        day_ = *last;
        collection_.emplace(co_await collect(day_));
    }
    co_await make_statements();
    co_return true;
}

// The border between two days is fixed before anything is paid, so that a crash cannot move it.
awaitable<bool> DailyRun::open_next(std::optional<StoredDay> last, BusinessDay through) {
    const Instant now = clock_.now();
    co_return co_await store_.write([&, now](store::Transaction& tx) {
        const auto stored = last_day(tx);
        const bool unchanged = last ? stored && stored->day == last->day : !stored;
        if (!unchanged) return true;
        const std::int64_t after = last ? last->through_place : 0;
        const auto first = ledger::first_behind(tx, after);
        if (!first) return false;
        const auto day = next_day(last, *first, options_.calendar, through, now);
        if (!day) return false;
        StoredDay opened;
        opened.day = *day;
        opened.after_place = after;
        opened.through_place = ledger::last_before(tx, after, ledger::last_place(tx),
                                                   options_.calendar.end_of(*day), now);
        insert_day(tx, opened);
        return true;
    });
}

awaitable<Collection> DailyRun::collect(StoredDay day) {
    Collection collection(day, co_await store_.read([&](store::Snapshot& snapshot) {
        return books_behind(snapshot, day.books_after,
                            static_cast<int>(options_.books_a_collection));
    }),
                          options_.books_a_collection);
    std::int64_t reached = collection.from();
    while (reached < day.through_place) {
        const auto page = co_await store_.read([&](store::Snapshot& snapshot) {
            return ledger::walk(snapshot, reached, day.through_place, options_.postings_a_page);
        });
        if (page.empty()) break;
        for (const auto& posting : page) collection.add(posting);
        reached = page.back().place;
        if (options_.pause.count() > 0) co_await runtime::sleep_for(options_.pause);
    }
    co_return collection;
}

// Takes the next books out of the collection, which ends with the last of them.
awaitable<void> DailyRun::make_statements() {
    auto& books = collection_->books();
    const std::size_t most = one_by_one_ ? 1 : options_.statements_a_command;
    Part part;
    StoredDay reached = day_;
    while (!books.empty() && part.size() < most) {
        auto book = books.extract(books.begin());
        reached.books_after = book.key();
        if (book.mapped().turnover.moved_money() || book.mapped().cut_at > 0)
            part.insert(std::move(book));
    }
    const bool last = books.empty();
    if (last && !collection_->more()) reached.closed_at = clock_.now();
    bool stored = false;
    std::exception_ptr fault;
    try {
        stored = co_await store_part(part, reached);
    } catch (...) {
        fault = std::current_exception();
    }
    // After a failure the store says how far the day has come.
    if (last || !stored) collection_.reset();
    if (last) one_by_one_ = false;
    if (fault) co_await look_into(fault, part, reached);
}

awaitable<bool> DailyRun::store_part(const Part& part, StoredDay reached) {
    const Instant now = clock_.now();
    const auto made =
        co_await store_.write([&, now](store::Transaction& tx) -> std::expected<Made, Overtaken> {
            if (!same_progress(last_day(tx), day_)) return std::unexpected(Overtaken{});
            Made done;
            for (const auto& [book, collected] : part) {
                clear_behind(tx, book);
                if (collected.turnover.moved_money())
                    settle_book(tx, book, collected, reached.day, now, done);
                if (collected.cut_at > 0) set_behind(tx, {book, collected.cut_at});
            }
            StoredDay progress = reached;
            progress.statements += done.paid + done.carried;
            update_day(tx, progress);
            return done;
        });
    if (!made) co_return false;
    paid_.add(static_cast<double>(made->paid));
    postings_.committed(ledger::Movement::Settle, made->paid);
    carried_.add(static_cast<double>(made->carried));
    reached.statements += made->paid + made->carried;
    made_ += made->paid + made->carried;
    day_ = reached;
    if (day_.closed_at) report();
    co_return true;
}

// A book that cannot be settled does not hold up the others: once it is found, it waits for the
// next day.
awaitable<void> DailyRun::look_into(std::exception_ptr fault, const Part& part, StoredDay reached) {
    std::string why;
    try {
        std::rethrow_exception(fault);
    } catch (const Unavailable&) {
        throw;
    } catch (const Overloaded&) {
        throw;
    } catch (const std::exception& failed) {
        if (part.empty()) throw;
        why = failed.what();
    }
    one_by_one_ = true;
    if (part.size() > 1) co_return;
    const std::int64_t book = part.begin()->first;
    telemetry::error("A merchant cannot be settled; it is tried again with the next day",
                     {{"book", book}, {"day", text_of(reached.day)}, {"fault", why}});
    const bool aside = co_await store_.write([&](store::Transaction& tx) {
        if (!same_progress(last_day(tx), day_)) return false;
        const auto behind = books_behind(tx, book - 1, 1);
        const bool already = !behind.empty() && behind.front().book == book;
        if (!already) set_behind(tx, {book, reached.after_place});
        update_day(tx, reached);
        return true;
    });
    if (!aside) co_return;
    set_aside_.add();
    day_ = reached;
    if (day_.closed_at) report();
}

void DailyRun::report() {
    settled_through_.set(static_cast<double>(unix_seconds(options_.calendar.end_of(day_.day))));
    telemetry::info("A business day is settled",
                    {{"day", text_of(day_.day)}, {"statements", day_.statements}});
}

}  // namespace florin::settlement
