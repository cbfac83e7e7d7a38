#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/aws/sqs.h"
#include "platform/base/random.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"
#include "reservation/processor.h"

namespace florin::reservation {

struct WorkerOptions {
    std::size_t concurrency = 20;  // messages handled at once
    Seconds wait{20};              // of a long poll
    Seconds visibility{60};        // renewed while a message is handled or waits for its turn
    int attempts_max = 5;          // before the queue of dead letters, when there is one
    Milliseconds backoff_base{1'000};
    Milliseconds poll_backoff{1'000};  // after a poll that failed
    std::uint64_t seed = 1;            // of the ids of dead letters
};

/// Consumes a queue of reservation events. A message is deleted only after its event has been
/// handled and written down; one that has to wait is given back with a visibility that grows with
/// each attempt, so that the queue's own redrive counts them; one that can never succeed goes to
/// the queue of dead letters, or among the store's, with its reason. Lives on one loop; it outlives
/// the loop's run.
class Worker {
public:
    /// The references outlive this object. `dead_letters` may be null: then the store keeps what is
    /// parked, and what fails stays with the queue.
    Worker(runtime::Loop& loop, aws::Queue& queue, aws::Queue* dead_letters, Processor& processor,
           store::Store& store, const Clock& clock, WorkerOptions options,
           telemetry::Metrics& metrics);

    /// Begins to poll. Call it once.
    void start();
    /// Takes no further messages, gives back those that wait, and finishes those being handled;
    /// false when that takes longer than `deadline`: they come again when their visibility ends. A
    /// long poll under way is left to end by itself: messages it still brings are given back. On
    /// the loop.
    awaitable<bool> stop(Milliseconds deadline);

    /// What is wrong with the queue, for people; empty when the last poll was answered.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    /// Whether the last poll was answered. Thread-safe.
    [[nodiscard]] bool queue_answers() const { return queue_answers_; }
    /// Whether nothing of it is left on the loop, not even a poll.
    [[nodiscard]] bool idle() const { return running_ + returning_ + tasks_ == 0; }

private:
    awaitable<void> poll(runtime::Wakeup& room);
    void take(std::vector<aws::QueueMessage> messages);
    void return_waiting();
    awaitable<void> return_unhandled(aws::QueueMessage message);
    void dispatch();
    awaitable<void> process(aws::QueueMessage message);
    awaitable<void> handle(const aws::QueueMessage& message);
    awaitable<void> finish(const aws::QueueMessage& message, const std::string& type);
    awaitable<void> put_off(const aws::QueueMessage& message, const std::string& type,
                            const HandlerResult& result);
    awaitable<void> park(const aws::QueueMessage& message, const std::string& type,
                         const HandlerResult& reason);
    awaitable<bool> keep_aside(const aws::QueueMessage& message, const HandlerResult& reason);
    awaitable<void> give_back(const aws::QueueMessage& message, Seconds after);
    awaitable<void> keep_visible();
    awaitable<void> extend(std::string receipt);

    /// A delivery that waits or is handled.
    struct Held {
        Instant until;           // when its visibility ends
        bool extending = false;  // a call that moves that is under way
        bool leaving = false;    // it is given back: no such call begins any more
    };

    runtime::Loop& loop_;
    aws::Queue& queue_;
    aws::Queue* const dead_letters_;
    Processor& processor_;
    store::Store& store_;
    const Clock& clock_;
    const WorkerOptions options_;
    UuidGenerator ids_;
    std::vector<std::unique_ptr<runtime::Wakeup>> rooms_;  // one a poller: there is room for more
    runtime::Wakeup keeper_;

    std::deque<aws::QueueMessage> waiting_;
    std::map<std::string, Held> held_;  // by receipt
    std::size_t running_ = 0;
    std::size_t returning_ = 0;  // given back without having been handled
    std::size_t tasks_ = 0;      // polls, and what keeps messages ours
    bool stopping_ = false;
    std::string problem_;
    std::atomic<bool> queue_answers_{true};

    telemetry::Counter poll_errors_;
    telemetry::Gauge active_;
};

}  // namespace florin::reservation
