#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/consumer.h"
#include "platform/runtime/awaitable.h"

namespace florin::broker {

/// What became of a message that was carried to another system.
struct Relayed {
    enum class Kind : std::uint8_t {
        Done,    // the other system has it
        Later,   // that system is away, or wants less: says nothing about the message, so it is
                 // tried again for ever
        Failed,  // this message was not taken: tried again, so many times
        Poison   // it can never be taken: a dead letter at once
    };
    Kind kind = Kind::Done;
    std::string error_type;  // of all but Done
    std::string error_message;
};

/// Port: carries messages of the log to another system, outside of any transaction: at least once,
/// under ids that the message has from its log, and in no particular order. On one loop.
class Relay {
public:
    virtual ~Relay() = default;
    /// Stable: offsets are kept under it.
    [[nodiscard]] virtual std::string_view group() const = 0;
    /// None: all of them.
    [[nodiscard]] virtual std::vector<std::string> topics() const = 0;
    /// One result a message, in their order. Ends by its own deadlines. What it throws is taken as
    /// `Later` for all of them.
    virtual awaitable<std::vector<Relayed>> relay(std::vector<Message> messages) = 0;
};

}  // namespace florin::broker
