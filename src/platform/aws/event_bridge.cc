#include "platform/aws/event_bridge.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "platform/base/json_text.h"
#include "platform/base/require.h"

namespace json = boost::json;

namespace florin::aws {
namespace {

constexpr std::size_t bus_name_max = 256;

std::string text_member(const json::value& object, const char* name) {
    const json::value* found = object.is_object() ? object.get_object().if_contains(name) : nullptr;
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
}

bool is_bus_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '.' || c == '-' || c == '_';
    };
    return !name.empty() && name.size() <= bus_name_max && std::ranges::all_of(name, allowed);
}

EntryResult result_of(const json::value& entry) {
    EntryResult result{text_member(entry, "EventId"), text_member(entry, "ErrorCode"),
                       text_member(entry, "ErrorMessage")};
    if (result.event_id.empty() && result.error_code.empty())
        result.error_code = "NeitherEventIdNorErrorCode";
    return result;
}

}  // namespace

bool is_event_bus(std::string_view name) {
    if (!name.starts_with("arn:")) return is_bus_name(name);
    std::array<std::string_view, 6> parts;  // arn:aws:events:REGION:ACCOUNT:event-bus/NAME
    for (auto& part : parts) {
        const bool last = &part == &parts.back();
        const auto end = last ? name.size() : std::min(name.find(':'), name.size());
        part = name.substr(0, end);
        name.remove_prefix(std::min(end + 1, name.size()));
    }
    constexpr std::string_view kind = "event-bus/";
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return parts[1].starts_with("aws") && parts[2] == "events" && !parts[3].empty() &&
           parts[4].size() == 12 && std::ranges::all_of(parts[4], is_digit) &&
           parts[5].starts_with(kind) && is_bus_name(parts[5].substr(kind.size()));
}

std::size_t fitting_one_call(std::span<const std::size_t> entry_bytes) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    for (const auto more : entry_bytes.first(std::min(entry_bytes.size(), entries_per_call_max))) {
        bytes += more;
        if (count > 0 && bytes > entry_bytes_max) break;
        ++count;
    }
    return count;
}

std::string put_events_body(std::span<const EventEntry> entries) {
    std::string body = R"({"Entries":[)";
    for (const auto& entry : entries) {
        if (body.back() != '[') body += ',';
        body += R"({"Source":)";
        append_json_string(body, entry.source);
        body += R"(,"DetailType":)";
        append_json_string(body, entry.detail_type);
        body += R"(,"Detail":)";
        append_json_string(body, entry.detail);
        body += R"(,"EventBusName":)";
        append_json_string(body, entry.bus);
        body += '}';
    }
    body += "]}";
    return body;
}

Answer<std::vector<EntryResult>> read_put_events_answer(std::string_view text,
                                                        std::size_t entries) {
    boost::system::error_code malformed;
    const json::value answer = json::parse(text, malformed);
    const json::value* list =
        !malformed && answer.is_object() ? answer.get_object().if_contains("Entries") : nullptr;
    if (list == nullptr || !list->is_array() || list->get_array().size() != entries) {
        return std::unexpected(Failure{Failure::Kind::Unavailable, "",
                                       "PutEvents answered without one result for each entry"});
    }
    std::vector<EntryResult> results;
    for (const auto& entry : list->get_array()) results.push_back(result_of(entry));
    return results;
}

awaitable<Answer<std::vector<EntryResult>>> put_events(Client& client,
                                                       std::vector<EventEntry> entries,
                                                       Milliseconds deadline) {
    require(!entries.empty() && entries.size() <= entries_per_call_max,
            "a call of PutEvents has one to ten entries");
    const auto answer = co_await client.call("PutEvents", put_events_body(entries), deadline);
    if (!answer) co_return std::unexpected(answer.error());
    co_return read_put_events_answer(*answer, entries.size());
}

}  // namespace florin::aws
