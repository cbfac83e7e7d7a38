#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/consumer.h"
#include "platform/kafka/producer.h"

namespace florin::kafka {

/// A record as a topic holds it. It owns its bytes, which may be anything.
struct IncomingRecord {
    std::string topic;
    int partition = 0;
    std::int64_t offset = 0;
    std::string key;
    std::optional<std::string> value;
    std::vector<Header> headers;
    Instant at;
};

/// An incoming record and what was understood of it.
struct IncomingMessage {
    /// Its topic is the event's type. Of poison: as far as it could be told.
    broker::Message message;
    /// Why it can never be handled: poison. Nothing when all is well.
    std::optional<broker::Handled> poison;
};

/// Event types by the topic they come from, for records that do not say themselves.
using TypesOfTopics = std::map<std::string, std::string, std::less<>>;

/// Understands a record: its value is a JSON object. Its id is that of the header `id` or
/// `eventId`, of the CloudEvent it is, or made of its place; the same record gets the same one
/// whenever it is read. Its type is that of the CloudEvent, or that of its topic.
IncomingMessage understand(const IncomingRecord& record, const TypesOfTopics& types);

}  // namespace florin::kafka
