#include "seats/expiry.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::seats {
namespace {

// Holds of one command: enough to make a commit worth its sync, few enough to let others between.
constexpr int batch_max = 128;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr Microseconds look_interval = Milliseconds(20);
constexpr Microseconds retry_after_fault = Milliseconds(500);
// Holds that another process over the same store has made are found by looking.
constexpr Microseconds look_anyway = Seconds(1);

}  // namespace

ExpiryClock::ExpiryClock(runtime::Loop& loop, store::Store& store, const Clock& clock,
                         telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      wakeup_(loop),
      waits_for_us_(never),
      counters_(metrics),
      lateness_(metrics.histogram("florin_hold_expiry_lateness_seconds",
                                  "From the end of a hold to its seats' being available.",
                                  telemetry::latency_bounds())) {}

void ExpiryClock::expect(Instant due) {
    if (lower_waits_for(due)) wakeup_.notify();
}

bool ExpiryClock::lower_waits_for(Instant due) {
    std::int64_t waits_for = waits_for_us_.load(std::memory_order_relaxed);
    while (unix_us(due) < waits_for) {
        if (waits_for_us_.compare_exchange_weak(waits_for, unix_us(due))) return true;
    }
    return false;
}

void ExpiryClock::stop() {
    stopping_ = true;
    wakeup_.notify();
}

awaitable<void> ExpiryClock::run() {
    while (!stopping_) {
        const auto next = co_await pass();
        if (!stopping_) co_await wakeup_.wait_until(clock_, next);
    }
}

/// When to look again.
awaitable<std::optional<Instant>> ExpiryClock::pass() {
    std::optional<Instant> next;
    try {
        co_await expire_due();
        // In this order nothing is missed: what commits before the read is seen by it, and what
        // commits after it calls `expect`, which now compares with `never` or with `next`.
        waits_for_us_ = never;
        next =
            co_await store_.read([](store::Snapshot& snapshot) { return next_due_hold(snapshot); });
    } catch (const std::exception& fault) {
        telemetry::warning("Holds that are over cannot be ended yet", {{"fault", fault.what()}});
        co_return clock_.now() + retry_after_fault;
    }
    const Instant now = clock_.now();
    if (!next) co_return now + look_anyway;
    lower_waits_for(*next);
    co_return std::clamp(*next, now + look_interval, now + look_anyway);
}

awaitable<std::size_t> ExpiryClock::expire_due() {
    std::size_t ended = 0;
    while (!stopping_) {
        const Instant now = clock_.now();
        const auto due = co_await store_.read(
            [now](store::Snapshot& snapshot) { return due_holds(snapshot, now, batch_max); });
        if (due.empty()) break;
        // Who has confirmed or cancelled one since it was read has won: then there is nothing to
        // do.
        const auto expired = co_await store_.write([&due, now](store::Transaction& tx) {
            std::vector<Reservation> done;
            for (const auto& id : due) {
                if (auto reservation = seats::expire_due(tx, id, now))
                    done.push_back(std::move(*reservation));
            }
            return done;
        });
        report(expired);
        ended += expired.size();
        if (due.size() < batch_max) break;
    }
    co_return ended;
}

void ExpiryClock::report(const std::vector<Reservation>& expired) {
    const Instant now = clock_.now();
    for (const auto& reservation : expired) {
        counters_.count(reservation.state);
        lateness_.observe(std::chrono::duration<double>(now - reservation.expires_at).count());
        if (!telemetry::enabled(telemetry::Level::Debug)) continue;
        telemetry::debug("A hold has expired", {{"reservation_id", wire_id(reservation.id)},
                                                {"event_id", reservation.event_id},
                                                {"seats", reservation.seat_ids.size()}});
    }
}

}  // namespace florin::seats
