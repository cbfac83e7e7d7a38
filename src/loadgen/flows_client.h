#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "loadgen/flows_plan.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {
class Loop;
}

namespace florin::loadgen {

struct FlowAnswer {
    unsigned status = 0;
    bool replayed = false;  // Idempotent-Replayed: true
    std::string body;
};

/// No answer came.
struct FlowFault {
    std::string text;
    bool unsent = false;  // nothing can have reached the server's application
};

/// Sends the requests of flows over a bounded number of keep-alive connections, one at a time on
/// each; requests wait their turn, in order. On one loop.
class FlowClient {
public:
    using Result = std::expected<FlowAnswer, FlowFault>;

    FlowClient(runtime::Loop& loop, std::string host, std::uint16_t port, std::size_t connections,
               std::chrono::milliseconds patience);
    ~FlowClient();

    awaitable<Result> post(FlowRequest request);
    awaitable<Result> get(std::string target);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace florin::loadgen
