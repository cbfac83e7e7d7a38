#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/payment_intent.h"
#include "loadgen/histogram.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {
class Loop;
}

namespace florin::loadgen {

/// One scenario of a mix and its weight.
struct ScenarioShare {
    gateway::Scenario scenario = gateway::Scenario::Approve;
    unsigned weight = 1;
};

struct LifeOptions {
    std::string host = "localhost";
    std::uint16_t port = 8030;
    double rate = 1'000;  // payments begun a second
    std::chrono::seconds warmup{1};
    std::chrono::seconds duration{10};
    std::chrono::seconds grace{30};  // for what is still out when the last payment has begun
    unsigned connections = 4;
    std::size_t outstanding_max =
        20'000;  // creates under way; past that, sends wait and count as late
    std::chrono::milliseconds delay{1'000};
    std::vector<ScenarioShare> scenarios{ScenarioShare{}};
    bool webhooks = true;
    bool idempotency = false;
    unsigned users = 1'000;
    std::string secret = "payment-sim-dev-secret";
    bool progress = true;  // a line a second on stderr
};

/// What came out. Latencies are those of payments begun after the warm-up, from the moment the
/// schedule meant them to begin: a server that stalls cannot make its numbers better by slowing the
/// generator.
struct LifeReport {
    std::uint64_t begun = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t failed = 0;      // creates that ended with an error
    std::uint64_t lost = 0;        // acknowledged, but no webhook, or no outcome, by the end
    std::uint64_t duplicated = 0;  // more than one webhook
    std::uint64_t wrong = 0;       // another status, amount or signature than due
    double seconds = 0;            // that the acknowledged ones took
    Histogram create;              // intended begin to acknowledgement
    Histogram webhook_lateness;    // sending of the create plus its delay, to the webhook's arrival
    Histogram read_back;           // GetPaymentStatus after the webhook
    std::string first_error;

    [[nodiscard]] bool clean() const {
        return failed == 0 && lost == 0 && duplicated == 0 && wrong == 0;
    }
};

/// Drives whole lives of payments at a steady rate, open loop: create, settle, webhook received and
/// verified, status read back; then reconciles every one of them. Runs on `loop`, by itself.
awaitable<void> run_lives(runtime::Loop& loop, LifeOptions options, LifeReport& report);

}  // namespace florin::loadgen
