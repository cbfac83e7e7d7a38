#include "platform/outbox/outbox.h"

#include "platform/base/json_text.h"

namespace florin::outbox {
namespace {

constexpr store::Sql insert_event(
    "INSERT INTO outbox (event_id, aggregate_type, aggregate_id, event_type, payload, "
    "created_at)"
    " VALUES (?, ?, ?, ?, ?, ?)");

}  // namespace

void append(store::Transaction& tx, const Event& event) {
    tx.execute(insert_event, event.id, event.aggregate_type, event.aggregate_id, event.type,
               event.payload, event.at);
}

std::string cloud_event(const Event& event, std::string_view source, std::string_view trace_id,
                        std::string_view data) {
    std::string json;
    json.reserve(300 + data.size());
    json += R"({"specversion":"1.0","id":")";
    event.id.append_to(json);
    json += R"(","source":)";
    append_json_string(json, source);
    json += R"(,"type":)";
    append_json_string(json, event.type);
    json += R"(,"subject":)";
    append_json_string(json, event.aggregate_id);
    json += R"(,"time":")";
    append_rfc3339(json, unix_us(event.at));
    json += R"(","datacontenttype":"application/json","correlationid":)";
    append_json_string(json, trace_id);
    json += R"(,"data":)";
    json += data;
    json += '}';
    return json;
}

}  // namespace florin::outbox
