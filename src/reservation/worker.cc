#include "reservation/worker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "platform/broker/dead_letters.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "reservation/backoff.h"
#include "reservation/reservation_event.h"

namespace florin::reservation {
namespace {

using Kind = HandlerResult::Kind;

constexpr std::size_t messages_per_poll = 10;
constexpr Seconds visibility_max = std::chrono::hours(12);  // of SQS
constexpr std::size_t attribute_text_max = 500;

/// Visibilities are whole seconds.
Seconds visibility_after(Milliseconds base, int receive_count) {
    const auto wait = std::chrono::ceil<Seconds>(backoff_of(base, receive_count));
    return std::clamp(wait, Seconds(1), visibility_max);
}

/// What an attribute of a message may hold: something, and no control characters.
std::string attribute_text(std::string_view text) {
    std::string safe(text.substr(0, attribute_text_max));
    for (char& c : safe) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e) c = '?';
    }
    return safe.empty() ? "unknown" : safe;
}

}  // namespace

Worker::Worker(runtime::Loop& loop, aws::Queue& queue, aws::Queue* dead_letters,
               Processor& processor, store::Store& store, const Clock& clock, WorkerOptions options,
               telemetry::Metrics& metrics)
    : loop_(loop),
      queue_(queue),
      dead_letters_(dead_letters),
      processor_(processor),
      store_(store),
      clock_(clock),
      options_(options),
      ids_(clock, options.seed),
      keeper_(loop),
      poll_errors_(metrics.counter("sqs_poll_errors_total", "Polls of the queue that failed.")),
      active_(metrics.gauge("worker_active_goroutines", "Messages that are being handled.")) {}

void Worker::start() {
    const std::size_t pollers = (options_.concurrency + messages_per_poll - 1) / messages_per_poll;
    for (std::size_t i = 0; i < pollers; ++i) {
        rooms_.push_back(std::make_unique<runtime::Wakeup>(loop_));
        runtime::spawn(loop_, "sqs poll", poll(*rooms_.back()));
    }
    runtime::spawn(loop_, "sqs visibility", keep_visible());
}

awaitable<bool> Worker::stop(Milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    for (const auto& room : rooms_) room->notify();
    keeper_.notify();
    return_waiting();
    while (running_ + returning_ > 0 && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(1));
    keeper_.notify();
    co_return running_ + returning_ == 0;
}

awaitable<void> Worker::poll(runtime::Wakeup& room) {
    ++tasks_;
    while (!stopping_) {
        if (waiting_.size() >= options_.concurrency) {
            co_await room.wait_until(clock_, std::nullopt);
            continue;
        }
        auto messages = co_await queue_.receive({.messages_max = messages_per_poll,
                                                 .wait = options_.wait,
                                                 .visibility = options_.visibility});
        problem_ = messages ? "" : messages.error().text;
        queue_answers_ = messages.has_value();
        if (messages) {
            take(std::move(*messages));
            continue;
        }
        poll_errors_.add();
        telemetry::warning("The queue cannot be read",
                           {{"queue", queue_.url()}, {"reason", problem_}});
        if (!stopping_) co_await room.wait_until(clock_, clock_.now() + options_.poll_backoff);
    }
    --tasks_;
}

void Worker::take(std::vector<aws::QueueMessage> messages) {
    for (auto& message : messages) {
        held_[message.receipt] = {.until = clock_.now() + options_.visibility};
        waiting_.push_back(std::move(message));
    }
    dispatch();
    if (stopping_) return_waiting();
}

// At once and not one after another: a stop has a deadline, and a queue may take long to answer.
void Worker::return_waiting() {
    for (auto& message : std::exchange(waiting_, {})) {
        ++returning_;
        runtime::spawn(loop_, "reservation message", return_unhandled(std::move(message)));
    }
}

awaitable<void> Worker::return_unhandled(aws::QueueMessage message) {
    co_await give_back(message, Seconds(0));
    held_.erase(message.receipt);
    --returning_;
}

void Worker::dispatch() {
    while (!stopping_ && running_ < options_.concurrency && !waiting_.empty()) {
        auto message = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        runtime::spawn(loop_, "reservation message", process(std::move(message)));
    }
    active_.set(static_cast<double>(running_));
    if (waiting_.size() < options_.concurrency) {
        for (const auto& room : rooms_) room->notify();
    }
}

awaitable<void> Worker::process(aws::QueueMessage message) {
    try {
        co_await handle(message);
    } catch (const std::exception& fault) {
        // It becomes visible again by itself.
        telemetry::background_fault("reservation message", fault.what());
    }
    held_.erase(message.receipt);
    --running_;
    dispatch();
}

awaitable<void> Worker::handle(const aws::QueueMessage& message) {
    auto event = parse_event(message.body, message.trace_id);
    if (!event) {
        processor_.count("unknown", "invalid_payload");
        co_await park(message, "unknown",
                      {Kind::Park, event.error().error_type, event.error().error_message});
        co_return;
    }
    const std::string type = event->type;
    const auto result = co_await processor_.process(std::move(*event), message.receive_count);
    switch (result.kind) {
        case Kind::Done:
            co_await finish(message, type);
            break;
        case Kind::Retry:
            co_await put_off(message, type, result);
            break;
        case Kind::Park:
            processor_.count(type, "failed");
            co_await park(message, type, result);
            break;
    }
}

awaitable<void> Worker::finish(const aws::QueueMessage& message, const std::string& type) {
    processor_.count(type, "success");
    const auto removed = co_await queue_.remove(message.receipt);
    if (!removed) {
        telemetry::warning("A message that is done cannot be deleted; it will come again",
                           {{"message_id", message.id}, {"reason", removed.error().text}});
    }
}

awaitable<void> Worker::put_off(const aws::QueueMessage& message, const std::string& type,
                                const HandlerResult& result) {
    const bool ours = result.error_type != Processor::under_way_error;
    if (ours && dead_letters_ != nullptr && message.receive_count >= options_.attempts_max) {
        processor_.count(type, "downstream_error");
        co_await park(message, type, result);
        co_return;
    }
    processor_.count(type, "retried");
    co_await give_back(message, visibility_after(options_.backoff_base, message.receive_count));
}

awaitable<void> Worker::park(const aws::QueueMessage& message, const std::string& type,
                             const HandlerResult& reason) {
    if (!co_await keep_aside(message, reason)) {
        co_await give_back(message, visibility_after(options_.backoff_base, message.receive_count));
        co_return;
    }
    telemetry::error("A message has been parked", {{"event_type", type},
                                                   {"message_id", message.id},
                                                   {"attempt", message.receive_count},
                                                   {"error_type", reason.error_type},
                                                   {"error", reason.error_message}});
    const auto removed = co_await queue_.remove(message.receipt);
    if (!removed) {
        telemetry::warning(
            "A parked message cannot be deleted; it will come and be parked once more",
            {{"message_id", message.id}, {"reason", removed.error().text}});
    }
}

awaitable<bool> Worker::keep_aside(const aws::QueueMessage& message, const HandlerResult& reason) {
    if (dead_letters_ != nullptr) {
        const auto sent = co_await dead_letters_->send(
            message.body, {{"ErrorType", attribute_text(reason.error_type)},
                           {"ErrorMessage", attribute_text(reason.error_message)}});
        if (!sent) {
            telemetry::warning("A message cannot be parked; it will come again",
                               {{"queue", dead_letters_->url()},
                                {"message_id", message.id},
                                {"error_type", reason.error_type},
                                {"error", reason.error_message},
                                {"reason", sent.error().text}});
        }
        co_return sent.has_value();
    }
    const Instant now = clock_.now();
    broker::DeadLetter letter{.id = ids_.next(),
                              .group = std::string(worker_group),
                              .message = {},
                              .error_type = reason.error_type,
                              .error_message = reason.error_message,
                              .attempts = message.receive_count,
                              .created_at = now,
                              .updated_at = now};
    letter.message.event_id = letter.id;
    letter.message.topic = queue_topic;
    letter.message.key = message.id;
    letter.message.payload = message.body;
    letter.message.at = now;
    co_await store_.write(
        [&letter](store::Transaction& tx) { broker::dead_letters::insert(tx, letter); });
    co_return true;
}

// An extension that is under way ends first: landing later, it would hide the message for longer.
awaitable<void> Worker::give_back(const aws::QueueMessage& message, Seconds after) {
    Held& held = held_[message.receipt];
    held.leaving = true;
    while (held.extending) co_await runtime::sleep_for(Milliseconds(1));
    const auto changed = co_await queue_.set_visibility(message.receipt, after);
    if (changed) co_return;
    telemetry::warning("A message cannot be given back; its visibility has to pass",
                       {{"message_id", message.id}, {"reason", changed.error().text}});
}

// Handling may take longer than a visibility: whatever is ours stays ours.
awaitable<void> Worker::keep_visible() {
    const Microseconds visibility = options_.visibility;
    ++tasks_;
    while (!stopping_ || running_ > 0) {
        const Instant now = clock_.now();
        for (auto& [receipt, held] : held_) {
            if (held.leaving || held.extending || held.until - now >= visibility / 2) continue;
            held.extending = true;
            ++tasks_;
            runtime::spawn(loop_, "sqs visibility", extend(receipt));
        }
        co_await keeper_.wait_until(clock_, clock_.now() + visibility / 6);
    }
    --tasks_;
}

// One that fails is made again at the next look.
awaitable<void> Worker::extend(std::string receipt) {
    const Instant until = clock_.now() + options_.visibility;
    const auto changed = co_await queue_.set_visibility(receipt, options_.visibility);
    --tasks_;
    const auto held = held_.find(receipt);
    if (held == held_.end()) co_return;  // it has been dealt with meanwhile
    held->second.extending = false;
    if (changed) {
        held->second.until = until;
    } else {
        telemetry::warning("The visibility of a message cannot be extended",
                           {{"queue", queue_.url()}, {"reason", changed.error().text}});
    }
}

}  // namespace florin::reservation
