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

/// An HTTP/1.1 client that costs little enough to stand beside the server it measures: plain TCP,
/// Content-Length only, a bounded number of keep-alive connections with one request at a time on
/// each. Requests wait for a connection in order. It sends nothing twice. On one loop; requests end
/// before it does.
class FlowClient {
public:
    using Result = std::expected<FlowAnswer, FlowFault>;

    /// Throws `std::runtime_error` when `host` has no address. An exchange that lasts longer than
    /// `patience`, the wait for a connection included, ends with a fault.
    FlowClient(runtime::Loop& loop, const std::string& host, std::uint16_t port,
               std::size_t connections, std::chrono::milliseconds patience);
    ~FlowClient();
    FlowClient(const FlowClient&) = delete;
    FlowClient& operator=(const FlowClient&) = delete;

    awaitable<Result> post(FlowRequest request);
    awaitable<Result> get(std::string target);

    class Impl;

private:
    std::shared_ptr<Impl> impl_;  // shared with its timer
};

}  // namespace florin::loadgen
