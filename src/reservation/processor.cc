#include "reservation/processor.h"

#include <chrono>
#include <utility>
#include <vector>

#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "reservation/inbox.h"

namespace florin::reservation {
namespace {

using Kind = HandlerResult::Kind;

const std::vector<double>& event_bounds() {
    static const std::vector<double> bounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
    return bounds;
}
const std::vector<double>& handler_bounds() {
    static const std::vector<double> bounds = {.001, .005, .01, .025, .05, .1, .25, .5, 1};
    return bounds;
}

const char* outcome_of(const HandlerResult& result) {
    switch (result.kind) {
        case Kind::Done:
            return "success";
        case Kind::Retry:
            return "downstream_error";
        case Kind::Park:
            return "failed";
    }
    return "";
}

/// A key among those under way, until the event has been handled.
class UnderWay {
public:
    using Keys = std::set<std::string, std::less<>>;

    UnderWay(std::shared_ptr<Keys> keys, std::string key)
        : keys_(std::move(keys)), key_(std::move(key)) {
        keys_->insert(key_);
    }
    ~UnderWay() { keys_->erase(key_); }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;

private:
    const std::shared_ptr<Keys> keys_;
    const std::string key_;
};

}  // namespace

Processor::Processor(Handler& handler, store::Store& store, const Clock& clock,
                     telemetry::Metrics& metrics)
    : handler_(handler), store_(store), clock_(clock), metrics_(metrics) {}

awaitable<HandlerResult> Processor::process(ReservationEvent event, int attempt) {
    const auto began = std::chrono::steady_clock::now();
    HandlerResult result;
    try {
        result = co_await once(event);
    } catch (const std::exception& fault) {
        result = {Kind::Retry, "Fault", fault.what()};
    }
    measure(event, attempt, result, began);
    co_return result;
}

awaitable<HandlerResult> Processor::once(ReservationEvent event) {
    const std::string key = event.key();
    if (under_way_->contains(key))
        co_return HandlerResult{Kind::Retry, std::string(under_way_error),
                                "the same event is being handled"};
    const UnderWay held(under_way_, key);
    const bool known = co_await store_.read(
        [&key](store::Snapshot& snapshot) { return inbox::has(snapshot, key); });
    if (known) co_return HandlerResult{};
    auto result = co_await handler_.handle(std::move(event));
    if (result.kind == Kind::Done) {
        co_await store_.write(
            [&key, now = clock_.now()](store::Transaction& tx) { inbox::add(tx, key, now); });
    }
    co_return result;
}

void Processor::count(const std::string& type, const char* outcome) {
    metrics_
        .counter("worker_events_total", "Messages of the worker, by what became of them.",
                 {{"type", type}, {"outcome", outcome}})
        .add();
}

void Processor::measure(const ReservationEvent& event, int attempt, const HandlerResult& result,
                        std::chrono::steady_clock::time_point began) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    metrics_
        .histogram("worker_latency_seconds", "How long an event took, each attempt.",
                   event_bounds(), {{"type", event.type}})
        .observe(took.count());
    metrics_
        .histogram("worker_processing_duration_seconds", "How long a handler took.",
                   handler_bounds(),
                   {{"handler", std::string(name_of(event.kind))}, {"outcome", outcome_of(result)}})
        .observe(took.count());
    const bool done = result.kind == Kind::Done;
    telemetry::log(done ? telemetry::Level::Info : telemetry::Level::Warning,
                   done ? "A reservation event was handled" : "A reservation event has to wait",
                   {{"event_type", event.type},
                    {"reservation_id", event.reservation_id},
                    {"event_id", event.event_id},
                    {"trace_id", event.trace_id},
                    {"attempt", attempt},
                    {"duration", took.count()},
                    {"error", result.error_message}});
}

}  // namespace florin::reservation
