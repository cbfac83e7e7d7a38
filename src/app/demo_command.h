#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "app/admin_client.h"

namespace florin::app {

struct DemoOptions {
    /// A server that runs; nothing: the demo starts one of its own, in memory, and ends it.
    std::optional<AdminServer> server;
    std::string grpc_host = "localhost";
    std::uint16_t grpc_port = 8030;
    std::chrono::milliseconds payment_delay{500};
    std::chrono::seconds hold{2};      // of the one that nobody pays for
    std::chrono::seconds timeout{20};  // of each step
};

/// Shows the life of reservations: one that is paid for, one whose payment fails, one that nobody
/// pays for. 0: every step came about.
int run_reservation_demo(const DemoOptions& options);

}  // namespace florin::app
