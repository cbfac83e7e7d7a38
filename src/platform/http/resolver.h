#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "platform/http/channel.h"
#include "platform/runtime/awaitable.h"

namespace florin::http {

/// Looks host names up and remembers the answers for a few seconds, so that a busy origin is not
/// resolved for each connection. A literal address is its own answer. On one loop.
class Resolver {
public:
    explicit Resolver(runtime::Loop& loop);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    struct Failure {
        std::string reason;
        bool timed_out = false;
    };
    /// The addresses of `host`, or why there are none by `until`. The system's resolver cannot be
    /// interrupted: a look-up goes on after that, for those who ask next.
    awaitable<std::expected<std::vector<std::string>, Failure>> resolve(std::string host,
                                                                        SteadyTime until);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;  // shared with look-ups under way
};

}  // namespace florin::http
