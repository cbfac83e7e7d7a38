#include "platform/broker/group_metrics.h"

#include <algorithm>
#include <utility>

#include "platform/broker/dead_letters.h"

namespace florin::broker {
namespace {

constexpr Microseconds count_dead_letters_every = Seconds(10);

}  // namespace

GroupMetrics::GroupMetrics(telemetry::Metrics& metrics, std::string group)
    : metrics_(metrics),
      group_(std::move(group)),
      lag_(metrics.gauge("florin_consumer_lag",
                         "Events in the log that a consumer group has yet to pass.",
                         {{"group", group_}})),
      lag_seconds_(metrics.gauge("florin_consumer_lag_seconds",
                                 "Age of the oldest event that a consumer group has yet to pass.",
                                 {{"group", group_}})) {}

telemetry::Counter GroupMetrics::messages(const char* result) {
    return metrics_.counter("florin_consumer_messages_total",
                            "Messages of a consumer group, by what became of them; a fault is "
                            "tried again.",
                            {{"group", group_}, {"result", result}});
}

// An event of another machine may come from a clock that is ahead of ours.
void GroupMetrics::lag(std::int64_t events, std::optional<Instant> oldest, Instant now) {
    lag_.set(static_cast<double>(std::max<std::int64_t>(events, 0)));
    const auto age_us = oldest ? std::max<std::int64_t>(unix_us(now) - unix_us(*oldest), 0) : 0;
    lag_seconds_.set(static_cast<double>(age_us) / 1e6);
}

DeadLetterGauge::DeadLetterGauge(telemetry::Metrics& metrics, std::string group)
    : group_(std::move(group)),
      waiting_(metrics.gauge("florin_dead_letters",
                             "Messages of a consumer group that wait for a person.",
                             {{"group", group_}})) {}

std::int64_t DeadLetterGauge::count(store::Snapshot& snapshot) const {
    return dead_letters::count_waiting(snapshot, group_);
}

void DeadLetterGauge::forget() {
    waiting_.set(0);
    next_ = {};
}

void DeadLetterGauge::set(std::int64_t waiting, Instant now) {
    waiting_.set(static_cast<double>(waiting));
    next_ = now + count_dead_letters_every;
}

}  // namespace florin::broker
