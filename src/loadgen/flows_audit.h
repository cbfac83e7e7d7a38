#pragma once

#include <span>
#include <string>

#include "loadgen/flows_check.h"
#include "loadgen/flows_client.h"
#include "loadgen/flows_plan.h"

namespace florin::loadgen {

struct Audit {
    Findings findings;
    std::uint64_t failed = 0;  // reads that were not answered
    std::string first_error;
};

/// Reads back what a run left behind: every page of every merchant's list, and `detailed_percent`
/// of the payments by their ids, with their ledger entries. Several at once, on `loop`.
awaitable<Audit> audit_flows(runtime::Loop& loop, FlowClient& client, const FlowMix& mix,
                             std::span<const FlowRecord> flows, double detailed_percent);

}  // namespace florin::loadgen
