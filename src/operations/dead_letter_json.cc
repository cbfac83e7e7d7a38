#include "operations/dead_letter_json.h"

#include <boost/json.hpp>

#include "platform/base/time_text.h"

namespace florin::operations {
namespace {

namespace json = boost::json;
using broker::DeadLetter;
using broker::Handled;

json::object to_object(const DeadLetter& letter) {
    return {{"id", letter.id.text()},
            {"group", letter.group},
            {"topic", letter.message.topic},
            {"key", letter.message.key},
            {"position", letter.message.position},
            {"event_id", letter.message.event_id.text()},
            {"event_at", time_text(letter.message.at)},
            {"error_type", letter.error_type},
            {"error_message", letter.error_message},
            {"attempts", letter.attempts},
            {"state", std::string(name_of(letter.state))},
            {"created_at", time_text(letter.created_at)},
            {"updated_at", time_text(letter.updated_at)}};
}

}  // namespace

std::string dead_letters_json(const DeadLetterPage& page) {
    json::array letters;
    for (const auto& letter : page.letters) letters.push_back(to_object(letter));
    json::array waiting;
    for (const auto& count : page.waiting)
        waiting.push_back(json::object{{"group", count.group}, {"waiting", count.waiting}});
    json::object body{{"dead_letters", std::move(letters)}, {"groups", std::move(waiting)}};
    body["next_before"] =
        page.more ? json::value(page.letters.back().id.text()) : json::value(nullptr);
    return json::serialize(body);
}

std::string dead_letter_json(const DeadLetter& letter) {
    json::object body = to_object(letter);
    body["payload"] = letter.message.payload;
    return json::serialize(body);
}

std::string redriven_json(const Uuid& id, const Handled& handled) {
    const bool refused = handled.kind == Handled::Kind::Refused;
    json::object body{{"id", id.text()},
                      {"state", std::string(name_of(DeadLetter::State::Handled))},
                      {"result", refused ? "REFUSED" : "DONE"}};
    if (refused) {
        body["error_type"] = handled.error_type;
        body["error_message"] = handled.error_message;
    }
    return json::serialize(body);
}

}  // namespace florin::operations
