#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/time.h"
#include "platform/broker/consumer.h"
#include "platform/kafka/handled_events.h"

namespace florin::kafka {

/// A consumer on the own log that may have read from Kafka before: if it has, it passes what it
/// handled there, and notes what it handles. Used on the writer.
class OnceConsumer final : public broker::Consumer {
public:
    /// Both outlive this object.
    OnceConsumer(broker::Consumer& consumer, const Clock& clock)
        : consumer_(consumer), clock_(clock) {}

    [[nodiscard]] std::string_view group() const override { return consumer_.group(); }
    [[nodiscard]] std::vector<std::string> topics() const override { return consumer_.topics(); }
    broker::Handled handle(store::Transaction& tx, const broker::Message& message) override {
        if (!from_kafka_) from_kafka_ = handled_events::any_of(tx, group());
        if (!*from_kafka_) return consumer_.handle(tx, message);
        if (!handled_events::add(tx, group(), message.event_id, clock_.now()))
            return broker::Handled::done();
        broker::Handled handled = consumer_.handle(tx, message);
        if (handled.kind == broker::Handled::Kind::Poison)
            handled_events::remove(tx, group(), message.event_id);
        return handled;
    }

private:
    broker::Consumer& consumer_;
    const Clock& clock_;
    std::optional<bool> from_kafka_;  // nothing before the first message
};

}  // namespace florin::kafka
