#include "platform/store/pruning.h"

#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::store {
namespace {

constexpr Microseconds retry_after_fault = std::chrono::minutes(1);
constexpr Microseconds look_for_turn_every = Seconds(1);

}  // namespace

Pruning::Pruning(runtime::Loop& loop, Store& store, const Clock& clock,
                 std::vector<PruneRule> rules, telemetry::Metrics& metrics, MayPrune may_prune)
    : store_(store),
      clock_(clock),
      rules_(std::move(rules)),
      may_prune_(std::move(may_prune)),
      wakeup_(loop),
      pruned_(metrics.counter("florin_pruned_rows_total",
                              "Rows deleted because their retention had passed.")) {}

void Pruning::stop() {
    stopping_ = true;
    wakeup_.notify();
}

awaitable<void> Pruning::run() {
    while (!stopping_) {
        Microseconds rest = retry_after_fault;
        try {
            if (may_prune_()) {
                const auto turn = co_await take_turn();
                rest = pace_.rest_after(turn, store_.state().write_queue);
            } else {
                rest = look_for_turn_every;
            }
        } catch (const std::exception& fault) {
            telemetry::warning("Old rows cannot be deleted yet", {{"fault", fault.what()}});
        }
        if (!stopping_) co_await wakeup_.wait_until(clock_, clock_.now() + rest);
    }
}

awaitable<std::int64_t> Pruning::prune_once() {
    const auto turn = co_await take_turn();
    co_return turn.rows;
}

awaitable<PruningPace::Turn> Pruning::take_turn() {
    const Instant now = clock_.now();
    const auto turn =
        co_await store_.write([this, now, limit = pace_.rows_per_rule()](Transaction& tx) {
            PruningPace::Turn done;
            const Instant start = clock_.now();
            for (const auto& rule : rules_) {
                const std::int64_t rows = rule(tx, now, limit);
                done.rows += rows;
                done.more = done.more || rows >= limit;
            }
            done.took = clock_.now() - start;
            return done;
        });
    pruned_.add(static_cast<double>(turn.rows));
    co_return turn;
}

}  // namespace florin::store
