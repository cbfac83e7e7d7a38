#pragma once

#include <array>

#include "ledger/posting.h"
#include "platform/telemetry/metrics.h"

namespace florin::ledger {

/// florin_ledger_postings_total: postings of this process, by their movement. Thread-safe.
class PostingMetrics {
public:
    explicit PostingMetrics(telemetry::Metrics& metrics);

    /// To be told after the commit: what a command does may be undone.
    void committed(Movement movement, std::int64_t postings = 1);

private:
    std::array<telemetry::Counter, movement_count> postings_;
};

}  // namespace florin::ledger
