#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/base/time.h"
#include "platform/broker/consumer.h"
#include "platform/broker/dead_letters.h"
#include "platform/kafka/incoming_record.h"

namespace florin::kafka {

/// What became of a message in a batch.
struct Settled {
    enum class Kind : std::uint8_t {
        Done,
        Again,    // it was handled before: nothing was done
        NotOurs,  // of a type that the consumer does not take
        Refused,
        Poison  // nothing was done: it is to become a dead letter
    };
    Kind kind = Kind::Done;
    broker::Handled handled;  // of refusals and poison
};

/// A dead letter in the making: what could not be handled, and why.
struct FailedMessage {
    broker::Message message;
    broker::Handled why;
    int attempts = 1;
};

struct BatchOptions {
    Instant now;
    /// Older messages were handled before, whatever is noted; nothing: none of them.
    std::optional<Instant> handled_before;
    Microseconds time_max{5'000};  // of the writer
};

/// Handles the messages in order until the time is over, at least one, each together with the note
/// that it was handled, in `tx`. One result each, for those it came to. Throws
/// `broker::MessageFault`, with the place in the batch, for what `handle` throws, except
/// `Unavailable`.
std::vector<Settled> apply(store::Transaction& tx, broker::Consumer& consumer,
                           std::span<const IncomingMessage* const> messages,
                           const BatchOptions& options);

/// Makes dead letters of them in `tx`, of each once however often this is asked, and notes them as
/// handled. Bytes that are no text become U+FFFD there. How many are new.
std::size_t bury(store::Transaction& tx, std::string_view group,
                 std::span<const FailedMessage> messages, Instant now, std::uint64_t id_seed);

}  // namespace florin::kafka
