#include "gateway/pruning.h"

#include "gateway/idempotency.h"
#include "gateway/intent_store.h"
#include "gateway/webhooks/delivery_store.h"
#include "platform/outbox/outbox.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::gateway {
namespace {

constexpr int rows_per_command = 200;  // of each table: about two milliseconds of the writer
constexpr Microseconds pause = Milliseconds(20);
constexpr Microseconds look_interval = std::chrono::minutes(1);

}  // namespace

Pruning::Pruning(runtime::Loop& loop, store::Store& store, const Clock& clock, Retention retention,
                 telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      retention_(retention),
      wakeup_(loop),
      pruned_(metrics.counter("florin_pruned_rows_total",
                              "Rows deleted because their retention had passed.")) {}

void Pruning::stop() {
    stopping_ = true;
    wakeup_.notify();
}

awaitable<void> Pruning::run() {
    while (!stopping_) {
        std::int64_t deleted = 0;
        try {
            deleted = co_await prune_once();
        } catch (const std::exception& fault) {
            telemetry::warning("Old rows cannot be deleted yet", {{"fault", fault.what()}});
        }
        const Instant next = clock_.now() + (deleted > 0 ? pause : look_interval);
        if (!stopping_) co_await wakeup_.wait_until(clock_, next);
    }
}

awaitable<std::int64_t> Pruning::prune_once() {
    const Instant now = clock_.now();
    const Instant keys_before = now - retention_.idempotency;
    const bool keep_payments = retention_.payments.count() == 0;
    const Instant payments_before = now - retention_.payments;
    const auto deleted = co_await store_.write([=](store::Transaction& tx) {
        std::int64_t rows = prune_idempotency(tx, keys_before, rows_per_command);
        if (keep_payments) return rows;
        rows += prune_intents(tx, payments_before, rows_per_command);
        rows += prune_deliveries(tx, payments_before, rows_per_command);
        rows += outbox::prune(tx, payments_before, rows_per_command);
        return rows;
    });
    pruned_.add(static_cast<double>(deleted));
    co_return deleted;
}

}  // namespace florin::gateway
