#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"
#include "platform/telemetry/metrics.h"
#include "reservation/handler.h"
#include "reservation/reservation_event.h"

namespace florin::store {
class Store;
}

namespace florin::reservation {

/// Handles each event once, wherever it came from: what the inbox knows is done already, and what
/// is under way is not begun a second time. Counts worker_events_total{type,outcome},
/// worker_latency_seconds{type} and worker_processing_duration_seconds{handler,outcome}. On one
/// loop.
class Processor {
public:
    /// The references outlive this object.
    Processor(Handler& handler, store::Store& store, const Clock& clock,
              telemetry::Metrics& metrics);

    /// Of results for an event whose twin is being handled right now.
    static constexpr std::string_view under_way_error = "UnderWay";

    /// `attempt` counts from 1; the log tells it. Does not throw: a store that is away is a reason
    /// to retry.
    awaitable<HandlerResult> process(ReservationEvent event, int attempt);

    /// What became of a message: success, retried, failed, invalid_payload, downstream_error.
    void count(const std::string& type, const char* outcome);

private:
    awaitable<HandlerResult> once(ReservationEvent event);
    void measure(const ReservationEvent& event, int attempt, const HandlerResult& result,
                 std::chrono::steady_clock::time_point began);

    Handler& handler_;
    store::Store& store_;
    const Clock& clock_;
    telemetry::Metrics& metrics_;
    using Keys = std::set<std::string, std::less<>>;
    // Of the events under way; shared with them: one that a shutdown cuts off may end after us.
    const std::shared_ptr<Keys> under_way_ = std::make_shared<Keys>();
};

}  // namespace florin::reservation
