#include "platform/kafka/incoming_record.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "platform/crypto/hmac.h"

namespace json = boost::json;

namespace florin::kafka {
namespace {

using broker::Handled;

std::string_view header_of(const IncomingRecord& record, std::string_view name) {
    const auto found = std::ranges::find(record.headers, name, &Header::name);
    return found == record.headers.end() ? std::string_view() : std::string_view(found->value);
}

/// A text of the envelope; empty when it is none.
std::string text_of(const json::object& envelope, std::string_view name) {
    const auto* const value = envelope.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
}

Uuid made_of(std::string_view what, std::string_view text) {
    return Uuid{crypto::fingerprint(what, text)};
}

// A header that is no UUID may be the row number of some outbox: two of them may say the same, so
// the event's own id comes first.
Uuid id_of(const IncomingRecord& record, const std::string& envelope_id) {
    for (const char* name : {"id", "eventId"}) {
        if (const auto id = parse_uuid(header_of(record, name))) return *id;
    }
    if (const auto id = parse_uuid(envelope_id)) return *id;
    if (!envelope_id.empty()) return made_of("event", envelope_id);
    if (const auto header = header_of(record, "id"); !header.empty())
        return made_of(record.topic, header);
    return made_of("place", fmt::format("{}/{}/{}", record.topic, record.partition, record.offset));
}

}  // namespace

IncomingMessage understand(const IncomingRecord& record, const TypesOfTopics& types) {
    IncomingMessage incoming;
    auto& message = incoming.message;
    const auto by_topic = types.find(record.topic);
    message.position = record.offset;
    message.topic = by_topic == types.end() ? record.topic : by_topic->second;
    message.key = record.key;
    message.at = record.at;
    if (!record.value) {
        incoming.poison = Handled::poison("NullValue", "the record has no value");
    } else {
        message.payload = *record.value;
        boost::system::error_code malformed;
        const json::value event = json::parse(*record.value, malformed);
        if (!malformed && event.is_object()) {
            if (auto type = text_of(event.get_object(), "type"); !type.empty())
                message.topic = std::move(type);
            message.event_id = id_of(record, text_of(event.get_object(), "id"));
            return incoming;
        }
        incoming.poison = Handled::poison(
            "MalformedMessage", malformed ? "the value is not JSON: " + malformed.message()
                                          : "the value is JSON, but no object");
    }
    message.event_id = id_of(record, {});
    return incoming;
}

}  // namespace florin::kafka
