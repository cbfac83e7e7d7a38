#pragma once

#include "platform/telemetry/metrics.h"

namespace florin::store {

/// What every store tells of its batches.
struct BatchMetrics {
    explicit BatchMetrics(telemetry::Metrics& metrics);

    telemetry::Histogram commands;
    telemetry::Histogram commit_seconds;
    telemetry::Counter retries;
    telemetry::Counter faults;
};

}  // namespace florin::store
