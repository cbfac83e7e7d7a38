#include "ledger/posting_metrics.h"

namespace florin::ledger {
namespace {

std::size_t index_of(Movement movement) {
    return static_cast<std::size_t>(movement) - 1;
}

}  // namespace

PostingMetrics::PostingMetrics(telemetry::Metrics& metrics) {
    for (const Movement movement : {Movement::Authorize, Movement::Void, Movement::Capture,
                                    Movement::Refund, Movement::Settle}) {
        postings_[index_of(movement)] = metrics.counter(
            "florin_ledger_postings_total", "Balanced ledger transactions that were committed.",
            {{"movement", std::string(name_of(movement))}});
    }
}

void PostingMetrics::committed(Movement movement, std::int64_t postings) {
    postings_[index_of(movement)].add(static_cast<double>(postings));
}

}  // namespace florin::ledger
