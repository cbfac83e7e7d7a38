#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/store/session.h"

namespace florin::broker {

/// One event as a consumer gets it. Views of the log would not outlive the batch: it owns its text.
struct Message {
    std::int64_t position = 0;  // in the log; ascending, not dense
    Uuid event_id;
    std::string topic;  // the event type: "payment.captured"
    std::string key;    // the aggregate id; messages of one key come in order
    std::string payload;
    Instant at;
};

/// What became of a message. A fault (database gone) is thrown instead: the message is tried again.
struct Handled {
    enum class Kind : std::uint8_t {
        Done,     // the effect is in the transaction, or there is none to make
        Refused,  // the business says no, for good: acknowledged and counted; it changed nothing
        Poison    // it can never be handled (not JSON, an unknown payment): a dead letter at once;
                  // it changed nothing
    };
    Kind kind = Kind::Done;
    std::string error_type;  // "MalformedMessage"; for refusals and poison
    std::string error_message;

    static Handled done() { return {}; }
    static Handled refused(std::string type, std::string message) {
        return {Kind::Refused, std::move(type), std::move(message)};
    }
    static Handled poison(std::string type, std::string message) {
        return {Kind::Poison, std::move(type), std::move(message)};
    }
};

/// Port: what a consumer group does with its messages. `handle` makes its effect in `tx`, the
/// transaction that also moves the group's offset: exactly once, however often the log is read. It
/// has no other effects and may be run again from the start. Called on the writer.
class Consumer {
public:
    virtual ~Consumer() = default;
    /// Stable: offsets are kept under it.
    [[nodiscard]] virtual std::string_view group() const = 0;
    [[nodiscard]] virtual std::vector<std::string> topics() const = 0;
    virtual Handled handle(store::Transaction& tx, const Message& message) = 0;
    /// Messages have been handled for good: whoever waits for their effect may look. On the group's
    /// loop, after the commit; not called again for what a crash came in between of.
    virtual void committed() {}
};

}  // namespace florin::broker
