#include "reservation/task_worker.h"

#include <chrono>
#include <utility>

#include "platform/base/faults.h"
#include "platform/broker/dead_letters.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "reservation/backoff.h"

namespace florin::reservation {
namespace {

using Kind = HandlerResult::Kind;

constexpr int tasks_per_look = 256;
constexpr Microseconds count_tasks_every = Seconds(10);
constexpr Microseconds store_pause = Milliseconds(200);

broker::ConsumerOptions runner_options(const TaskWorkerOptions& options) {
    broker::ConsumerOptions runner;
    runner.look_interval = options.look_interval;
    runner.seed = options.seed;
    runner.leases = options.leases;
    return runner;
}

}  // namespace

TaskWorker::TaskWorker(runtime::Loop& loop, store::Store& store, Processor& processor,
                       const Clock& clock, TaskWorkerOptions options, telemetry::Metrics& metrics)
    : loop_(loop),
      store_(store),
      processor_(processor),
      clock_(clock),
      options_(options),
      ids_(clock, options.seed),
      runner_(
          loop, clock, "reservation-tasks", runner_options(options), [this] { return look(); },
          [this] { forget(); }),
      active_(metrics.gauge("worker_active_goroutines", "Messages that are being handled.")),
      waiting_(metrics.gauge("florin_reservation_tasks",
                             "Outcomes of payments that the reservation worker has yet to deal "
                             "with.")) {}

awaitable<bool> TaskWorker::stop(Milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    const bool looked = co_await runner_.stop(deadline);
    while (running_ > 0 && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(1));
    co_return looked&& running_ == 0;
}

// Another process may have dealt with what was read before.
void TaskWorker::forget() {
    for (const auto& task : ready_) known_.erase(task.message.event_id);
    ready_.clear();
}

awaitable<TaskWorker::Step> TaskWorker::look() {
    try {
        const bool more = ready_.size() < options_.concurrency && co_await read_due();
        dispatch();
        co_return more&& ready_.empty() ? Step::Behind : Step::AtEnd;
    } catch (const std::exception& fault) {
        telemetry::warning("The reservation worker cannot look for its tasks",
                           {{"failures", runner_.failures() + 1}, {"fault", fault.what()}});
    }
    co_return Step::Failed;
}

/// Whether there may be more than were read.
awaitable<bool> TaskWorker::read_due() {
    const Instant now = clock_.now();
    const bool count = now >= count_at_;
    for (const auto& id : ended_) known_.erase(id);
    ended_.clear();
    const int limit = tasks_per_look + static_cast<int>(known_.size());
    std::int64_t waiting = 0;
    auto due = co_await store_.read([now, limit, count, &waiting](store::Snapshot& snapshot) {
        if (count) waiting = tasks::count(snapshot);
        return tasks::due(snapshot, now, limit);
    });
    if (count) {
        waiting_.set(static_cast<double>(waiting));
        count_at_ = now + count_tasks_every;
    }
    const bool full = due.size() == static_cast<std::size_t>(limit);
    for (auto& task : due) {
        if (known_.insert(task.message.event_id).second) ready_.push_back(std::move(task));
    }
    co_return full;
}

void TaskWorker::dispatch() {
    while (!stopping_ && running_ < options_.concurrency && !ready_.empty()) {
        ++running_;
        runtime::spawn(loop_, "reservation task", work(std::move(ready_.front())));
        ready_.pop_front();
    }
    active_.set(static_cast<double>(running_));
}

// A task whose handling fails in a way that nobody expects stays among the known: it is begun again
// by the next process, not by this one over and over.
awaitable<void> TaskWorker::work(Task task) {
    try {
        co_await handle(task);
        ended_.push_back(task.message.event_id);
    } catch (const std::exception& fault) {
        telemetry::background_fault("reservation task", fault.what());
    }
    --running_;
    dispatch();
    if (ready_.size() < options_.concurrency) runner_.wake();
}

awaitable<void> TaskWorker::handle(const Task& task) {
    auto event = parse_outcome(task.message.payload);
    if (!event) {
        co_await bury(task, "unknown",
                      {Kind::Park, event.error().error_type, event.error().error_message});
        co_return;
    }
    const std::string type = event->type;
    const auto result = co_await processor_.process(std::move(*event), task.attempts + 1);
    const bool ours = result.error_type != Processor::under_way_error;
    const int attempts = task.attempts + (ours ? 1 : 0);
    if (result.kind == Kind::Done) {
        processor_.count(type, "success");
        co_await store_for_sure(
            [id = task.message.event_id](store::Transaction& tx) { tasks::remove(tx, id); });
    } else if (result.kind == Kind::Retry && attempts < options_.attempts_max) {
        processor_.count(type, "retried");
        co_await put_off(task, attempts);
    } else {
        processor_.count(type, result.kind == Kind::Retry ? "downstream_error" : "failed");
        co_await bury(task, type, result);
    }
}

awaitable<void> TaskWorker::put_off(const Task& task, int attempts) {
    const Instant due = clock_.now() + backoff_of(options_.backoff_base, attempts);
    co_await store_for_sure([id = task.message.event_id, attempts, due](store::Transaction& tx) {
        tasks::put_off(tx, id, attempts, due);
    });
}

awaitable<void> TaskWorker::bury(const Task& task, const std::string& type,
                                 const HandlerResult& reason) {
    const Instant now = clock_.now();
    const broker::DeadLetter letter{.id = ids_.next(),
                                    .group = std::string(worker_group),
                                    .message = task.message,
                                    .error_type = reason.error_type,
                                    .error_message = reason.error_message,
                                    .attempts = task.attempts + 1,
                                    .created_at = now,
                                    .updated_at = now};
    telemetry::error("A message has been parked",
                     {{"event_type", type},
                      {"reservation_id", task.reservation_id},
                      {"message_event_id", task.message.event_id.text()},
                      {"attempt", letter.attempts},
                      {"error_type", reason.error_type},
                      {"error", reason.error_message}});
    co_await store_for_sure([&letter](store::Transaction& tx) {
        if (tasks::remove(tx, letter.message.event_id)) broker::dead_letters::insert(tx, letter);
    });
}

// What became of a task is written down before its place is free: while the store is away no
// service is called whose answer could not be kept.
awaitable<void> TaskWorker::store_for_sure(std::function<void(store::Transaction&)> command) {
    do {
        try {
            co_await store_.write(command);
            co_return;
        } catch (const Overloaded& fault) {
            telemetry::warning("A reservation task waits for the store", {{"fault", fault.what()}});
        } catch (const Unavailable& fault) {
            telemetry::warning("A reservation task waits for the store", {{"fault", fault.what()}});
        }
        co_await runtime::sleep_for(store_pause);
    } while (!stopping_);
}

}  // namespace florin::reservation
