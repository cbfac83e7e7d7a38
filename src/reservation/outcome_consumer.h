#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/consumer.h"

namespace florin::reservation {

/// Takes the outcomes of payments from the log: each becomes a task of the worker in the
/// transaction that moves the group's offset, so that none is lost, and one that has to be tried
/// for long holds up nobody.
class OutcomeConsumer final : public broker::Consumer {
public:
    /// Whether the services that the worker calls may know a reservation of that id. Called on the
    /// writer.
    using Concerns = std::function<bool(std::string_view reservation_id)>;

    /// `arrived` is called on the group's loop when there may be new tasks.
    OutcomeConsumer(Concerns concerns, std::function<void()> arrived);

    [[nodiscard]] std::string_view group() const override;
    [[nodiscard]] std::vector<std::string> topics() const override;
    broker::Handled handle(store::Transaction& tx, const broker::Message& message) override;
    void committed() override { arrived_(); }

private:
    const Concerns concerns_;
    const std::function<void()> arrived_;
};

}  // namespace florin::reservation
