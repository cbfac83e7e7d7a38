#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "platform/base/time.h"
#include "platform/broker/consumer.h"

namespace florin::broker {

/// The next messages of a group, and where the group has to stand for them to be next.
struct ConsumerBatch {
    std::int64_t stored_offset = 0;  // as we know it
    std::int64_t position = 0;       // where the group stands when all messages are done
    std::vector<Message> messages;
    std::uint64_t id_seed = 0;  // of dead letters
    Instant now;
    Microseconds time_max{5'000};  // of the writer; one message is handled in any case
};

/// What one transaction made of a batch.
struct BatchResult {
    struct Setback {
        std::size_t message = 0;  // its place in the batch
        Handled handled;          // refused or poison
    };
    bool applied = true;             // false: another instance has moved the group
    std::int64_t stored_offset = 0;  // where the group stands now
    std::size_t handled = 0;         // of the messages, from the first on
    std::vector<Setback> setbacks;   // among them
};

/// A consumer has thrown at a message.
class MessageFault : public std::runtime_error {
public:
    MessageFault(std::int64_t position, const char* what)
        : std::runtime_error(what), position_(position) {}
    [[nodiscard]] std::int64_t position() const { return position_; }

private:
    std::int64_t position_;
};

/// Handles the messages in order until the time is over and moves the group's offset, in `tx`;
/// poison becomes a dead letter there too. Throws `MessageFault` for what `handle` throws, except
/// `Unavailable`, which says nothing about the message.
BatchResult apply(store::Transaction& tx, Consumer& consumer, const ConsumerBatch& batch);

/// Makes the only message of the batch a dead letter without handling it.
BatchResult give_up(store::Transaction& tx, const Consumer& consumer, const ConsumerBatch& batch,
                    const std::string& fault, int attempts);

}  // namespace florin::broker
