#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/uuid.h"
#include "platform/broker/consumer_options.h"
#include "platform/broker/dead_letters.h"
#include "platform/broker/event_log.h"
#include "platform/broker/group_metrics.h"
#include "platform/broker/group_runner.h"
#include "platform/broker/relay.h"

namespace florin::store {
class Store;
}

namespace florin::broker {

/// Runs one relay over the outbox: reads a page, has it carried, and moves the group's offset past
/// what is settled, until it is stopped. A message whose `Failed` results reach `attempts_max`
/// becomes a dead letter in the transaction that moves the offset past it; while it is tried again,
/// for seconds, those behind its page wait. What was carried and not yet written down when the
/// process died is carried again. Memory holds one page, however long the other side is away.
/// Counts what `ConsumerGroup` counts. Lives on one loop; it outlives the loop's run, or `stop` has
/// returned true before it dies.
class RelayGroup {
public:
    /// All references outlive this object. Of the options those about the writer's time are unused.
    RelayGroup(runtime::Loop& loop, store::Store& store, Relay& relay, const Clock& clock,
               ConsumerOptions options, telemetry::Metrics& metrics);

    /// Begins to run. Call it once.
    void start() { runner_.start(); }
    /// There may be new events. Thread-safe, cheap.
    void wake() { runner_.wake(); }
    /// Begins no further round and waits for the one under way; false when that takes longer than
    /// `deadline`. On the loop.
    awaitable<bool> stop(Milliseconds deadline) { return runner_.stop(deadline); }

    using Step = GroupRunner::Step;
    /// One round over the page. For `run`, and for tests that go step by step. Does not throw.
    awaitable<Step> step();

private:
    /// A message of the page.
    struct Item {
        Message message;
        int attempts = 0;  // that failed
        bool settled = false;
        std::optional<Relayed> given_up = std::nullopt;  // settled as a dead letter
    };

    void forget();
    awaitable<void> begin();
    awaitable<void> read_page();
    awaitable<void> carry();
    void judge(Item& item, Relayed result);
    /// Stores how far everything is settled, and forgets that part of the page.
    awaitable<void> commit();
    std::vector<DeadLetter> dead_letters_among(std::size_t first_items);
    void report_later(std::string_view error);

    store::Store& store_;
    Relay& relay_;
    const Clock& clock_;
    const ConsumerOptions options_;
    const std::string group_;
    const std::vector<std::string> topics_;
    UuidGenerator ids_;  // of dead letters
    GroupRunner runner_;

    std::optional<std::int64_t> stored_offset_;  // nothing before the first look
    std::int64_t position_ = 0;                  // read up to here: the end of the page
    Backlog backlog_;                            // of the log, when last looked at
    std::vector<Item> page_;

    GroupMetrics metrics_;
    DeadLetterGauge dead_letters_;
    telemetry::Counter done_;
    telemetry::Counter later_;
    telemetry::Counter faults_;
    telemetry::Counter dead_;
};

}  // namespace florin::broker
