#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/flows_check.h"
#include "loadgen/flows_plan.h"
#include "loadgen/histogram.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {
class Loop;
}

namespace florin::loadgen {

struct FlowOptions {
    std::string host = "localhost";
    std::uint16_t port = 8080;
    std::uint16_t health_port = 0;  // of /metrics, to compare counters; 0: do not ask
    double rate = 1'000;            // flows begun a second, three requests each
    std::chrono::seconds warmup{1};
    std::chrono::seconds duration{10};
    std::chrono::milliseconds patience{30'000};  // for one answer
    std::size_t connections = 256;
    std::size_t outstanding_max = 20'000;  // flows under way; past that they wait and count as late
    std::uint32_t merchants = 1'000;
    double retried_percent = 5;       // of the requests
    double part_refund_percent = 50;  // of the flows
    double read_back_percent = 1;     // of the payments: read one by one, with their ledger entries
    bool progress = true;             // a line a second on stderr
};

/// What came out. Latencies are those of flows begun after the warm-up: of an authorization from
/// the moment the schedule meant it to begin, of a capture or refund from the answer before it, the
/// wait for a connection included. A server that stalls cannot make its numbers better by slowing
/// the generator.
struct FlowReport {
    std::uint64_t begun = 0;
    std::uint64_t completed = 0;                                  // all three steps acknowledged
    std::array<std::uint64_t, flow_steps.size()> acknowledged{};  // by step, in their order
    std::uint64_t failed = 0;         // requests that no approval answered
    std::uint64_t replays = 0;        // requests sent again and answered as the first time
    std::uint64_t answers_wrong = 0;  // approvals and replays that say something else than due
    double seconds = 0;               // until the last flow ended
    double cpu_seconds = 0;           // of this process, meanwhile
    std::array<Histogram, flow_steps.size()> steps;  // in the order of flow_steps
    Histogram replay;
    Histogram flow;      // its intended begin to the answer to its refund, retries included
    Histogram lateness;  // its intended begin to the sending of its authorization: ours
    Findings findings;
    std::vector<CounterCheck> counters;
    std::string first_error;

    [[nodiscard]] bool clean() const;
};

/// Drives merchant payments at a steady rate, open loop: authorize, capture, refund, some requests
/// sent twice; then lists every merchant's payments and compares each with what was acknowledged.
/// Runs on `loop`, by itself. Throws when it cannot begin: nobody answers at the health port.
awaitable<void> run_flows(runtime::Loop& loop, FlowOptions options, FlowReport& report);

}  // namespace florin::loadgen
