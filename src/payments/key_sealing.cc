#include "payments/key_sealing.h"

#include <algorithm>

#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::payments {
namespace {

using store::Blob;
using store::Sql;

constexpr Sql insert_entry(
    "INSERT OR REPLACE INTO merchant_idempotency_run (run, digest, number) VALUES (?,?,?)");
constexpr Sql insert_filter_part(
    "INSERT OR REPLACE INTO merchant_idempotency_filter (run, part, bits) VALUES (?,?,?)");
constexpr Sql insert_sealed("INSERT INTO merchant_idempotency_sealed (run) VALUES (?)");

constexpr std::size_t entries_per_command = 1'000;           // about a millisecond of the writer
constexpr std::size_t filter_bytes_per_command = 64 * 1024;  // as much
constexpr Milliseconds pause{10};
constexpr Microseconds look_interval = std::chrono::seconds(1);

}  // namespace

KeySealing::KeySealing(runtime::Loop& loop, store::Store& store, const Clock& clock, KeyIndex& keys,
                       telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      keys_(keys),
      wakeup_(loop),
      sealed_(metrics.counter("florin_idempotency_runs_sealed_total",
                              "Runs of idempotency keys written down, sorted.")) {}

void KeySealing::stop() {
    stopping_ = true;
    wakeup_.notify();
}

awaitable<void> KeySealing::run() {
    while (!stopping_) {
        bool more = false;
        try {
            more = co_await seal_one();
        } catch (const std::exception& fault) {
            telemetry::warning("Idempotency keys stay in memory for now",
                               {{"fault", fault.what()}});
        }
        if (!more && !stopping_) co_await wakeup_.wait_until(clock_, clock_.now() + look_interval);
    }
}

std::optional<KeySealing::FullRun> KeySealing::look(store::Snapshot& snapshot) {
    auto run = keys_.full_run(snapshot);
    if (!run) return std::nullopt;
    const std::size_t keys = run->size();
    FullRun full{std::move(*run), KeyFilter(keys)};
    for (std::size_t i = 0; i < full.run.size(); ++i) full.filter.add(full.run.entry(i).digest);
    return full;
}

awaitable<bool> KeySealing::seal_one() {
    // On a reader's thread: that much work would hold up a loop.
    auto full = co_await store_.read([this](store::Snapshot& snapshot) { return look(snapshot); });
    if (!full) co_return false;
    co_await write_entries(full->run);
    co_await write_filter(full->run.number, full->filter);
    if (stopping_) co_return false;
    const std::int64_t number = full->run.number;
    co_await store_.write(
        [number](store::Transaction& tx) { return tx.execute(insert_sealed, number); });
    keys_.sealed(number, std::move(full->filter));
    sealed_.add();
    co_return true;
}

awaitable<void> KeySealing::write_entries(const KeyIndex::Run& run) {
    for (std::size_t from = 0; from < run.size() && !stopping_; from += entries_per_command) {
        const std::size_t until = std::min(run.size(), from + entries_per_command);
        co_await store_.write([&run, from, until](store::Transaction& tx) {
            for (std::size_t i = from; i < until; ++i) {
                const auto entry = run.entry(i);
                tx.execute(insert_entry, run.number, Blob{entry.digest}, entry.number);
            }
            return 0;
        });
        if (until < run.size()) co_await runtime::sleep_for(pause);
    }
}

awaitable<void> KeySealing::write_filter(std::int64_t run, const KeyFilter& filter) {
    const std::string_view bits = filter.bytes();
    std::int64_t part = 0;
    for (std::size_t from = 0; from < bits.size() && !stopping_;
         from += filter_bytes_per_command, ++part) {
        const auto piece = bits.substr(from, filter_bytes_per_command);
        co_await store_.write([=](store::Transaction& tx) {
            return tx.execute(insert_filter_part, run, part, Blob{piece});
        });
    }
}

}  // namespace florin::payments
