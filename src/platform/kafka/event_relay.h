#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "platform/broker/relay.h"
#include "platform/kafka/producer.h"
#include "platform/kafka/topic_names.h"

namespace florin::kafka {

struct EventRelayOptions {
    TopicNames topics;
    /// A second header with the event's id, `eventId`, beside `id`.
    bool event_id_header = false;
};

/// The record that an event becomes: the payload byte for byte under the aggregate's id, the
/// event's id in the header `id` and its time, as the stock outbox router of Debezium sends it.
Record record_of(const broker::Message& message, const EventRelayOptions& options);

/// Carries every event of the log to its topic. Events of one key come to a topic in the order of
/// the log, also when parts of a page fail: nothing is reported as carried while an event of the
/// same topic and key before it is not, unless that one is poison. An event that Kafka will never
/// take is told apart from a Kafka that is away, by halves of what the broker refused. On one loop.
class EventRelay final : public broker::Relay {
public:
    /// `producer` outlives this object.
    EventRelay(Producer& producer, EventRelayOptions options)
        : producer_(producer), options_(std::move(options)) {}

    static constexpr std::string_view group_name = "kafka";
    [[nodiscard]] std::string_view group() const override { return group_name; }
    /// All of them.
    [[nodiscard]] std::vector<std::string> topics() const override { return {}; }
    awaitable<std::vector<broker::Relayed>> relay(std::vector<broker::Message> messages) override;

private:
    class Page;

    /// False when Kafka is away: what comes after them has to wait.
    awaitable<bool> carry(Page& page, std::vector<std::size_t> items);

    Producer& producer_;
    const EventRelayOptions options_;
};

}  // namespace florin::kafka
