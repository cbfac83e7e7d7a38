#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/relay.h"
#include "reservation/processor.h"

namespace florin::reservation {

/// The relay by which a dead letter of the worker is tried again, at once: the steps of its event
/// are taken, wherever its message came from. On the processor's loop.
class DeadLetterRelay final : public broker::Relay {
public:
    /// `processor` outlives this object.
    explicit DeadLetterRelay(Processor& processor) : processor_(processor) {}

    [[nodiscard]] std::string_view group() const override;
    [[nodiscard]] std::vector<std::string> topics() const override { return {}; }
    awaitable<std::vector<broker::Relayed>> relay(std::vector<broker::Message> messages) override;

private:
    Processor& processor_;
};

}  // namespace florin::reservation
