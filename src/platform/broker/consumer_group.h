#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/random.h"
#include "platform/broker/consumer.h"
#include "platform/broker/consumer_batch.h"
#include "platform/broker/consumer_options.h"
#include "platform/broker/event_log.h"
#include "platform/broker/group_metrics.h"
#include "platform/broker/group_runner.h"

namespace florin::store {
class Store;
}

namespace florin::broker {

/// Runs one consumer over the outbox: batch by batch, each in one transaction with the group's
/// offset, so that every message has its effect exactly once whatever fails, and messages keep
/// their order. Several instances of a group may run: who comes second does nothing. Lives on one
/// loop; it outlives the loop's run, or `stop` has returned true before it dies.
class ConsumerGroup {
public:
    /// All references outlive this object; `consumer` is used on the writer
    /// and on the loop.
    ConsumerGroup(runtime::Loop& loop, store::Store& store, Consumer& consumer, const Clock& clock,
                  ConsumerOptions options, telemetry::Metrics& metrics);

    /// Begins to run. Call it once.
    void start() { runner_.start(); }
    /// There may be new events. Thread-safe, cheap.
    void wake() { runner_.wake(); }
    /// Begins no further batch and waits for the one under way; false when that takes longer than
    /// `deadline`. On the loop.
    awaitable<bool> stop(Milliseconds deadline) { return runner_.stop(deadline); }

    using Step = GroupRunner::Step;
    /// One batch. For `run`, and for tests that go step by step. Does not throw.
    awaitable<Step> step();

private:
    /// A message that was thrown at.
    struct Suspect {
        std::int64_t position = 0;
        int attempts = 0;
        std::string fault;
    };
    /// What one look at the log tells.
    struct Look {
        LogPage page;
        Backlog backlog;
        std::optional<std::int64_t> dead_letters;  // when it was time to count them
    };

    void forget();
    awaitable<void> begin();
    awaitable<LogPage> read();
    awaitable<void> handle(LogPage page);
    [[nodiscard]] LogRange next_range() const;
    void isolate_suspect(LogPage& page) const;
    [[nodiscard]] bool to_give_up(const std::vector<Message>& messages) const;
    void applied(const ConsumerBatch& batch, const BatchResult& result);
    void moved_to(std::int64_t stored_offset);
    void blame(const MessageFault& fault);
    void report_fault(const char* fault);
    void report_setback(const Message& message, const Handled& handled);

    store::Store& store_;
    Consumer& consumer_;
    const Clock& clock_;
    const ConsumerOptions options_;
    const std::string group_;
    const std::vector<std::string> topics_;
    Random random_;  // of the ids of dead letters
    GroupRunner runner_;

    std::optional<std::int64_t> stored_offset_;  // nothing before the first look
    std::int64_t position_ = 0;  // at or behind it: rows of other topics are not worth a write
    std::int64_t end_ = 0;       // of the log, when last looked at
    Backlog backlog_;            // as well
    std::optional<Suspect> suspect_;

    GroupMetrics metrics_;
    DeadLetterGauge dead_letters_;
    telemetry::Counter done_;
    telemetry::Counter refused_;
    telemetry::Counter poison_;
    telemetry::Counter faults_;
};

}  // namespace florin::broker
