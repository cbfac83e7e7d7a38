#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <vector>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/broker/group_runner.h"
#include "platform/telemetry/metrics.h"
#include "reservation/processor.h"
#include "reservation/tasks.h"

namespace florin::reservation {

struct TaskWorkerOptions {
    std::size_t concurrency = 20;  // tasks handled at once
    int attempts_max = 5;          // before the dead letters
    Milliseconds backoff_base{1'000};
    Microseconds look_interval{250'000};  // for tasks that fall due
    std::uint64_t seed = 1;               // of the ids of dead letters
    /// Of processes that share the store: one of them works at a time. Nothing: this one.
    leases::Leases* leases = nullptr;
};

/// Deals with the tasks that `OutcomeConsumer` makes. A task is forgotten only after its event has
/// been handled and written down; one that has to wait is put off for longer after each attempt,
/// with the later ones of its reservation behind it; one that can never succeed, or has failed too
/// often, becomes a dead letter with its reason. Memory holds some pages of tasks, however many
/// there are. Lives on one loop; it outlives the loop's run, or `stop` has returned true before it
/// dies.
class TaskWorker {
public:
    /// The references outlive this object.
    TaskWorker(runtime::Loop& loop, store::Store& store, Processor& processor, const Clock& clock,
               TaskWorkerOptions options, telemetry::Metrics& metrics);

    /// Begins to work. Call it once.
    void start() { runner_.start(); }
    /// There may be new tasks. Thread-safe, cheap.
    void wake() { runner_.wake(); }
    /// Begins no further task and finishes those under way; false when that takes longer than
    /// `deadline`: they are begun again by whoever works next, under the same keys. On the loop.
    awaitable<bool> stop(Milliseconds deadline);

private:
    using Step = broker::GroupRunner::Step;

    void forget();
    awaitable<Step> look();
    awaitable<bool> read_due();
    void dispatch();
    awaitable<void> work(Task task);
    awaitable<void> handle(const Task& task);
    awaitable<void> put_off(const Task& task, int attempts);
    awaitable<void> bury(const Task& task, const std::string& type, const HandlerResult& reason);
    awaitable<void> store_for_sure(std::function<void(store::Transaction&)> command);

    runtime::Loop& loop_;
    store::Store& store_;
    Processor& processor_;
    const Clock& clock_;
    const TaskWorkerOptions options_;
    UuidGenerator ids_;
    broker::GroupRunner runner_;

    std::deque<Task> ready_;
    std::set<Uuid> known_;     // ready, under way, or
    std::vector<Uuid> ended_;  // since the last look began: what it sees may be older
    std::size_t running_ = 0;
    Instant count_at_;
    bool stopping_ = false;

    telemetry::Gauge active_;
    telemetry::Gauge waiting_;
};

}  // namespace florin::reservation
