#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/random.h"
#include "platform/broker/consumer.h"
#include "platform/broker/consumer_batch.h"
#include "platform/broker/event_log.h"
#include "platform/limits/backoff.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::broker {

struct ConsumerOptions {
    enum class Start : std::uint8_t { Beginning, End };
    Start start = Start::Beginning;  // of a group that has never begun
    std::size_t batch_messages_max = 256;
    std::size_t batch_bytes_max = 1 << 20;
    /// Of the writer for one batch: what a payment waits for at most because of this group.
    Microseconds batch_time_max{5'000};
    /// Between two batches: lets events gather, and payments through.
    Microseconds batch_pause{2'000};
    /// How often to look without being woken.
    Microseconds look_interval{250'000};
    /// A message whose handling throws so often becomes a dead letter. Faults of the store do not
    /// count: they are tried for ever.
    int attempts_max = 10;
    limits::BackoffPolicy backoff{Milliseconds(100), Milliseconds(30'000)};
    std::uint64_t seed = 1;  // of jitter and of the ids of dead letters
};

/// Runs one consumer over the outbox: batch by batch, each in one transaction with the group's
/// offset, so that every message has its effect exactly once whatever fails, and messages keep
/// their order. Several instances of a group may run: who comes second does nothing. Lives on one
/// loop; it outlives the loop's run, or `stop` has returned true before it dies.
class ConsumerGroup {
public:
    /// All references outlive this object; `consumer` is used on the writer.
    ConsumerGroup(runtime::Loop& loop, store::Store& store, Consumer& consumer, const Clock& clock,
                  ConsumerOptions options, telemetry::Metrics& metrics);

    /// Begins to run. Call it once.
    void start();
    /// There may be new events. Thread-safe, cheap.
    void wake() { wakeup_.notify(); }
    /// Begins no further batch and waits for the one under way; false when that takes longer than
    /// `deadline`. On the loop.
    awaitable<bool> stop(Milliseconds deadline);

    enum class Step : std::uint8_t {
        Behind,  // there is more to do
        AtEnd,   // everything in the log is done
        Failed   // nothing was done: try again later
    };
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
        std::optional<std::int64_t> dead_letters;  // when it was time to count them
    };

    awaitable<void> run();
    awaitable<void> back_off();
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

    runtime::Loop& loop_;
    store::Store& store_;
    Consumer& consumer_;
    const Clock& clock_;
    const ConsumerOptions options_;
    const std::string group_;
    const std::vector<std::string> topics_;
    runtime::Wakeup wakeup_;
    Random random_;

    std::optional<std::int64_t> stored_offset_;  // nothing before the first look
    std::int64_t position_ = 0;  // at or behind it: rows of other topics are not worth a write
    std::int64_t end_ = 0;       // of the log, when last looked at
    std::optional<Suspect> suspect_;
    int failures_ = 0;  // steps in a row
    Instant count_dead_letters_at_;
    bool running_ = false;
    bool stopping_ = false;

    telemetry::Gauge lag_;
    telemetry::Gauge dead_letters_;
    telemetry::Counter done_;
    telemetry::Counter refused_;
    telemetry::Counter poison_;
    telemetry::Counter faults_;
};

}  // namespace florin::broker
