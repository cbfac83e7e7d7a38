#include "platform/http/json_fields.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/json.hpp>

#include "platform/base/ascii.h"
#include "platform/base/utf8.h"
#include "platform/base/whole_number.h"

namespace florin::http {
namespace {

namespace json = boost::json;

std::string excerpt(const json::value& value) {
    constexpr std::size_t excerpt_bytes_max = 64;
    return json::serialize(value).substr(0, excerpt_bytes_max);
}

/// Not blank, at most so long, without control characters.
bool is_plain_text(std::string_view text, std::size_t characters_max) {
    return text.find_first_not_of(' ') != std::string_view::npos && !has_control_characters(text) &&
           characters_in(text) <= characters_max;
}

std::optional<std::string> plain_text(const json::value& value, std::size_t characters_max) {
    const json::string* const text = value.if_string();
    if (text == nullptr || !is_plain_text({text->data(), text->size()}, characters_max))
        return std::nullopt;
    return std::string(*text);
}

std::string a_text(std::size_t characters_max) {
    return "a text of 1 to " + std::to_string(characters_max) + " characters";
}

}  // namespace

JsonFields::JsonFields(const std::string& body, Body body_rule)
    : body_(std::make_unique<json::value>()) {
    if (body.empty() && body_rule == Body::Optional) return;
    json::error_code failed;
    json::parse_options options;
    options.max_depth = 8;
    *body_ = json::parse(body, failed, {}, options);
    if (failed) {
        complain("the body is not JSON: " + failed.message());
    } else if (!body_->is_object()) {
        complain("the body is not a JSON object");
    }
}

JsonFields::~JsonFields() = default;

void JsonFields::refuse_others(std::initializer_list<std::string_view> known) {
    const json::object* const object = body_->if_object();
    if (object == nullptr) return;
    for (const auto& field : *object) {
        if (std::ranges::find(known, std::string_view(field.key())) != known.end()) continue;
        std::string names;
        for (const auto name : known) names.append(names.empty() ? "" : ", ").append(name);
        complain("there is no field " + excerpt(json::value(field.key())) + "; there are " + names);
    }
}

const json::value* JsonFields::find(std::string_view name) const {
    const json::object* const object = body_->if_object();
    const json::value* const field = object == nullptr ? nullptr : object->if_contains(name);
    return field == nullptr || field->is_null() ? nullptr : field;
}

bool JsonFields::is_list(std::string_view name) const {
    const json::value* const value = find(name);
    return value != nullptr && value->is_array();
}

std::string JsonFields::text(std::string_view name, std::size_t characters_max) {
    const json::value* const value = find(name);
    if (value == nullptr) return {};
    auto text = plain_text(*value, characters_max);
    if (text) return std::move(*text);
    complain_of(name, *value, a_text(characters_max));
    return {};
}

std::string JsonFields::required_text(std::string_view name, std::size_t characters_max) {
    if (!has(name) && body_->is_object())
        complain(std::string(name) + " is missing; give " + a_text(characters_max));
    return text(name, characters_max);
}

std::optional<std::int64_t> JsonFields::number(std::string_view name, std::int64_t least,
                                               std::int64_t most) {
    const json::value* const value = find(name);
    if (value == nullptr) return std::nullopt;
    std::optional<std::int64_t> whole;
    if (value->is_int64()) whole = value->get_int64();
    if (value->is_double()) whole = exactly_whole(value->get_double());
    if (whole && *whole >= least && *whole <= most) return whole;
    complain_of(name, *value,
                "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
}

std::vector<std::string> JsonFields::texts(std::string_view name, std::size_t count_max,
                                           std::size_t characters_max) {
    const json::value* const value = find(name);
    if (value == nullptr) return {};
    const json::array* const list = value->if_array();
    if (list == nullptr || list->empty() || list->size() > count_max) {
        complain(std::string(name) + " must be a list of 1 to " + std::to_string(count_max) +
                 " texts");
        return {};
    }
    std::vector<std::string> texts;
    std::set<std::string_view> seen;
    texts.reserve(list->size());  // what `seen` looks into stays where it is
    for (const json::value& entry : *list) {
        auto text = plain_text(entry, characters_max);
        if (!text) {
            complain(std::string(name) + " has " + excerpt(entry) + "; give " +
                     a_text(characters_max));
            return {};
        }
        texts.push_back(std::move(*text));
        if (seen.insert(texts.back()).second) continue;
        complain(std::string(name) + " has " + excerpt(entry) + " twice");
        return {};
    }
    return texts;
}

void JsonFields::complain_of(std::string_view name, const json::value& value,
                             std::string_view takes) {
    complain(std::string(name) + " is " + excerpt(value) + "; give " + std::string(takes));
}

void JsonFields::complain(const std::string& what) {
    if (!complaints_.empty()) complaints_ += "; ";
    complaints_ += what;
}

}  // namespace florin::http
