#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "platform/redis/reply.h"

namespace florin::redis {

/// Why a command has no answer.
struct Failure {
    enum class Kind : std::uint8_t {
        NotCalled,     // the breaker is open
        NotConnected,  // no connection is open
        Busy,          // too many commands are under way
        TimedOut,      // sent, and no answer in time: it may have been done
        Broken,        // sent, and the connection broke: it may have been done
        Refused        // an error reply, which is the reason
    };
    Kind kind = Kind::NotConnected;
    std::string reason;  // for people and logs
};

/// "not_called" …
std::string_view name_of(Failure::Kind kind);

using Answer = std::expected<Reply, Failure>;

}  // namespace florin::redis
