#include "platform/kafka/dead_letter_record.h"

#include <utility>

#include <fmt/format.h>

#include "platform/base/json_text.h"
#include "platform/base/time_text.h"

namespace florin::kafka {
namespace {

std::string quoted(std::string_view text) {
    std::string json;
    append_json_string(json, text);
    return json;
}

std::string envelope_of(const IncomingRecord& original, const broker::Handled& why, Instant now) {
    return fmt::format(
        R"({{"originalTopic":{},"partition":{},"offset":{},"payload":{},"errorType":{},)"
        R"("errorMessage":{},"timestamp":"{}"}})",
        quoted(original.topic), original.partition, original.offset,
        original.value ? quoted(*original.value) : "null", quoted(why.error_type),
        quoted(why.error_message), time_text(now));
}

}  // namespace

Record dead_letter_record(const IncomingRecord& original, const FailedMessage& failed,
                          std::string topic, std::string_view group, Instant now, bool envelope) {
    Record record{std::move(topic), original.key, original.value.value_or(""), original.headers,
                  now};
    if (envelope) record.value = envelope_of(original, failed.why, now);
    const auto add = [&](const char* name, std::string value) {
        record.headers.push_back({name, std::move(value)});
    };
    add("dlq-original-topic", original.topic);
    add("dlq-original-partition", std::to_string(original.partition));
    add("dlq-original-offset", std::to_string(original.offset));
    add("dlq-group", std::string(group));
    add("dlq-error-type", failed.why.error_type);
    add("dlq-error-message", failed.why.error_message);
    add("dlq-attempts", std::to_string(failed.attempts));
    add("dlq-time", time_text(now));
    return record;
}

}  // namespace florin::kafka
