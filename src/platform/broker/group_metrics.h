#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "platform/base/time.h"
#include "platform/store/session.h"
#include "platform/telemetry/metrics.h"

namespace florin::broker {

/// What every group tells: florin_consumer_lag, florin_consumer_lag_seconds,
/// florin_consumer_messages_total and florin_dead_letters. On one loop.
class GroupMetrics {
public:
    /// `metrics` outlives this object.
    GroupMetrics(telemetry::Metrics& metrics, std::string group);

    /// Of the messages with which it went so: "done", "fault".
    [[nodiscard]] telemetry::Counter messages(const char* result);
    /// Events that the group has yet to pass, and when the first of them happened.
    void lag(std::int64_t events, std::optional<Instant> oldest, Instant now);
    /// It has passed all of them, or another process tells of them.
    void no_lag() { lag(0, std::nullopt, {}); }

private:
    telemetry::Metrics& metrics_;
    const std::string group_;
    telemetry::Gauge lag_;
    telemetry::Gauge lag_seconds_;
};

/// Counts, every now and then, a group's dead letters that wait for a person. On one loop.
class DeadLetterGauge {
public:
    /// `metrics` outlives this object.
    DeadLetterGauge(telemetry::Metrics& metrics, std::string group);

    /// Whether it is time to count them again.
    [[nodiscard]] bool due(Instant now) const { return now >= next_; }
    /// How many wait. May be called on a reader.
    [[nodiscard]] std::int64_t count(store::Snapshot& snapshot) const;
    void set(std::int64_t waiting, Instant now);
    /// Another process counts them.
    void forget();
    /// There are more: count them the next time.
    void changed() { next_ = {}; }

private:
    const std::string group_;
    telemetry::Gauge waiting_;
    Instant next_;
};

}  // namespace florin::broker
