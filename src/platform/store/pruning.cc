#include "platform/store/pruning.h"

#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::store {
namespace {

constexpr int rows_per_rule = 200;  // of one command: about two milliseconds of the writer
constexpr Microseconds pause = Milliseconds(20);
constexpr Microseconds look_interval = std::chrono::minutes(1);

}  // namespace

Pruning::Pruning(runtime::Loop& loop, Store& store, const Clock& clock,
                 std::vector<PruneRule> rules, telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      rules_(std::move(rules)),
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
    const auto deleted = co_await store_.write([this, now](Transaction& tx) {
        std::int64_t rows = 0;
        for (const auto& rule : rules_) rows += rule(tx, now, rows_per_rule);
        return rows;
    });
    pruned_.add(static_cast<double>(deleted));
    co_return deleted;
}

}  // namespace florin::store
