#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "platform/broker/consumer.h"
#include "platform/kafka/event_relay.h"

namespace florin::kafka {

/// Files every event of the log in the table `payment_outbox`, from whose binary log Debezium's
/// outbox router carries it to Kafka: the same record that `EventRelay` would send. It stands in
/// the log where the relay does, under the same group: whoever is switched on goes on where the
/// other one stopped. For MariaDB.
class OutboxTable final : public broker::Consumer {
public:
    /// Rows older than the newest by so much are deleted. Debezium does not need them; people look
    /// at them.
    static constexpr Microseconds keep = std::chrono::hours(24);

    explicit OutboxTable(TopicNames topics) : options_{.topics = std::move(topics)} {}

    [[nodiscard]] std::string_view group() const override { return EventRelay::group_name; }
    /// All of them.
    [[nodiscard]] std::vector<std::string> topics() const override { return {}; }
    broker::Handled handle(store::Transaction& tx, const broker::Message& message) override;

private:
    const EventRelayOptions options_;
    std::atomic<std::int64_t> filed_{0};  // of this process, those of batches that ran again too
};

}  // namespace florin::kafka
