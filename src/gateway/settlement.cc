#include "gateway/settlement.h"

#include <limits>

#include "gateway/intent_store.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::gateway {
namespace {

// Rows of one pass: enough to make a commit worth its sync, few enough to let creates in between.
constexpr std::size_t batch_max = 512;
// Under load, payments become due all the time: looking this often makes batches of them.
constexpr Microseconds look_interval = Milliseconds(10);
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr Microseconds retry_after_fault = Milliseconds(500);
// Payments that another process has created tell this one nothing.
constexpr Microseconds look_for_others_every = Milliseconds(100);

}  // namespace

SettlementClock::SettlementClock(runtime::Loop& loop, store::Store& store, const Clock& clock,
                                 UuidGenerator ids, OfferDeliveries offer,
                                 telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      ids_(ids),
      offer_(std::move(offer)),
      wakeup_(loop),
      waits_for_us_(never),
      lateness_(metrics.histogram("florin_settlement_lateness_seconds",
                                  "From a payment's due time to its stored outcome.",
                                  telemetry::latency_bounds())),
      batch_(metrics.histogram("florin_settlement_batch", "Payments settled by one command.",
                               {1, 2, 4, 8, 16, 32, 64, 128, 256, 512})),
      due_(metrics.gauge("florin_intents_due",
                         "Payments the clock found due when it last looked; 512 or less at once.")),
      settled_(metrics.counter("florin_settlements_total", "Payments the clock has moved on.")) {}

void SettlementClock::expect(Instant due) {
    if (lower_waits_for(due)) wakeup_.notify();
}

bool SettlementClock::lower_waits_for(Instant due) {
    std::int64_t waits_for = waits_for_us_.load(std::memory_order_relaxed);
    while (unix_us(due) < waits_for) {
        if (waits_for_us_.compare_exchange_weak(waits_for, unix_us(due))) return true;
    }
    return false;
}

void SettlementClock::stop() {
    stopping_ = true;
    wakeup_.notify();
}

awaitable<void> SettlementClock::run() {
    while (!stopping_) {
        std::optional<Instant> next;
        try {
            co_await settle_due();
            // In this order nothing is missed: what commits before the read is seen by it, and what
            // commits after it calls `expect`, which now compares with `never` or with `next`.
            waits_for_us_ = never;
            next =
                co_await store_.read([](store::Snapshot& snapshot) { return next_due(snapshot); });
        } catch (const std::exception& fault) {
            telemetry::warning("Due payments cannot be settled yet", {{"fault", fault.what()}});
            next = clock_.now() + retry_after_fault;
        }
        if (next) {
            lower_waits_for(*next);
            next = std::max(*next, clock_.now() + look_interval);
        }
        if (store_.shared()) {
            const Instant look = clock_.now() + look_for_others_every;
            next = next ? std::min(*next, look) : look;
        }
        if (!stopping_) co_await wakeup_.wait_until(clock_, next);
    }
}

awaitable<void> SettlementClock::settle_due() {
    while (!stopping_) {
        const Instant now = clock_.now();
        std::size_t found = 0;
        if (store_.shared()) {
            settled(co_await settle_claimed(now, found));
        } else {
            settled(co_await settle_read(now, found));
        }
        due_.set(static_cast<double>(found));
        if (found > 0) batch_.observe(static_cast<double>(found));
        if (found < batch_max) break;
    }
}

SettlementClock::Batch SettlementClock::decide(std::vector<PaymentIntent> due, Instant now) {
    Batch batch;
    batch.reserve(due.size());
    for (auto& intent : due) {
        Settled settled{std::move(intent), {}, IntentChange::None, {}};
        settled.was_due = *settled.intent.due_at;
        settled.change = settled.intent.settle(now);
        settled.notices =
            notices_of(settled.intent, settled.change, {ids_.next(), ids_.next()}, now);
        batch.push_back(std::move(settled));
    }
    return batch;
}

// All but the storing happens off the writer, whose time is what limits one machine. Whoever
// decided a payment since it was read has changed its due time: then the row does not match, and
// this decision leaves no trace, neither event nor webhook.
awaitable<SettlementClock::Batch> SettlementClock::settle_read(Instant now, std::size_t& found) {
    Batch batch = decide(co_await store_.read([now](store::Snapshot& snapshot) {
        return due_intents(snapshot, now, static_cast<int>(batch_max));
    }),
                         now);
    found = batch.size();
    if (batch.empty()) co_return batch;
    const auto stored = co_await store_.write([&batch](store::Transaction& tx) {
        std::vector<bool> won(batch.size());
        for (std::size_t i = 0; i < batch.size(); ++i) {
            won[i] = update_due_intent(tx, batch[i].intent, batch[i].was_due);
            if (won[i]) store_notices(tx, batch[i].notices);
        }
        return won;
    });
    Batch kept;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (stored[i]) kept.push_back(std::move(batch[i]));
    }
    co_return kept;
}

// Several processes share what is due: what one has claimed, the others skip. A database that does
// not lock what it was asked to still lets one of them win.
awaitable<SettlementClock::Batch> SettlementClock::settle_claimed(Instant now, std::size_t& found) {
    const auto next =
        co_await store_.read([](store::Snapshot& snapshot) { return next_due(snapshot); });
    if (!next || *next > now) co_return Batch{};
    Batch batch = co_await store_.write([this, now](store::Transaction& tx) {
        Batch won;
        for (auto& one : decide(claim_due_intents(tx, now, static_cast<int>(batch_max)), now)) {
            if (!update_due_intent(tx, one.intent, one.was_due)) continue;
            store_notices(tx, one.notices);
            won.push_back(std::move(one));
        }
        return won;
    });
    found = batch.size();
    co_return batch;
}

void SettlementClock::settled(Batch batch) {
    std::vector<WebhookDelivery> deliveries;
    for (auto& one : batch) {
        report(one);
        if (one.notices.delivery) deliveries.push_back(std::move(*one.notices.delivery));
    }
    if (!deliveries.empty()) offer_(std::move(deliveries));
}

void SettlementClock::report(const Settled& settled) {
    const Instant now = clock_.now();
    settled_.add();
    lateness_.observe(std::chrono::duration<double>(now - settled.was_due).count());
    log_outcome(settled.intent, now);
}

}  // namespace florin::gateway
