#include "merchants/key_requests.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "platform/base/whole_number.h"
#include "platform/http/message.h"

namespace florin::merchants {
namespace {

namespace json = boost::json;

constexpr std::size_t merchant_characters_max = 32;
constexpr std::size_t name_characters_max = 64;
constexpr std::int64_t lifetime_days_max = 3'650;
constexpr std::int64_t grace_hours_max = 720;
constexpr int limit_default = 20;
constexpr int limit_max = 100;

std::size_t characters_in(std::string_view utf8) {
    return static_cast<std::size_t>(std::ranges::count_if(
        utf8, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](char byte) {
        const auto value = static_cast<unsigned char>(byte);
        return value < 0x20U || value == 0x7FU;
    });
}

std::string excerpt(const json::value& value) {
    return json::serialize(value).substr(0, 64);
}

/// The fields of one JSON body, which may be empty; collects what is wrong with them.
class Fields {
public:
    Fields(const std::string& body, std::initializer_list<std::string_view> known) {
        if (body.find_first_not_of(" \t\r\n") == std::string::npos) return;
        json::error_code failed;
        json::parse_options options;
        options.max_depth = 8;
        body_ = json::parse(body, failed, {}, options);
        if (failed) {
            complain("the body is not JSON: " + failed.message());
        } else if (!body_.is_object()) {
            complain("the body is not a JSON object");
        } else {
            refuse_others(known);
        }
    }

    /// Null when it is absent or null.
    [[nodiscard]] const json::value* find(std::string_view name) const {
        const json::object* const object = body_.if_object();
        const json::value* const value = object == nullptr ? nullptr : object->if_contains(name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

    std::optional<std::int64_t> number(std::string_view name, std::int64_t least,
                                       std::int64_t most) {
        const json::value* const value = find(name);
        if (value == nullptr) return std::nullopt;
        std::optional<std::int64_t> whole;
        if (value->is_int64()) whole = value->get_int64();
        if (value->is_double()) whole = exactly_whole(value->get_double());
        if (whole && *whole >= least && *whole <= most) return whole;
        complain(std::string(name) + " is " + excerpt(*value) + "; give a whole number from " +
                 std::to_string(least) + " to " + std::to_string(most));
        return std::nullopt;
    }

    void complain(const std::string& what) {
        if (!complaints_.empty()) complaints_ += "; ";
        complaints_ += what;
    }
    [[nodiscard]] const std::string& complaints() const { return complaints_; }

private:
    void refuse_others(std::initializer_list<std::string_view> known) {
        for (const auto& field : body_.get_object()) {
            if (std::ranges::find(known, std::string_view(field.key())) != known.end()) continue;
            std::string names;
            for (const auto name : known) names.append(names.empty() ? "" : ", ").append(name);
            complain("there is no field \"" + std::string(field.key()).substr(0, 64) +
                     "\"; there are " + names);
        }
    }

    json::value body_;
    std::string complaints_;
};

std::string read_name(Fields& fields) {
    const json::value* const value = fields.find("name");
    if (value == nullptr) return {};
    if (const json::string* const text = value->if_string()) {
        const std::string_view name(text->data(), text->size());
        if (characters_in(name) <= name_characters_max && !has_control_characters(name))
            return std::string(name);
    }
    fields.complain("name is " + excerpt(*value) + "; give a text of at most " +
                    std::to_string(name_characters_max) + " characters");
    return {};
}

Scopes read_scopes(Fields& fields) {
    const json::value* const value = fields.find("scopes");
    if (value == nullptr) return Scopes::all();
    Scopes scopes;
    bool fine = value->is_array() && !value->get_array().empty();
    if (fine) {
        for (const json::value& name : value->get_array()) {
            const json::string* const text = name.if_string();
            fine = fine && text != nullptr && scopes.add_named({text->data(), text->size()});
        }
    }
    if (!fine)
        fields.complain("scopes is " + excerpt(*value) +
                        "; give a list of payments:read, payments:write and refunds:write");
    return scopes;
}

std::optional<int> limit_of(const http::Request& request) {
    const auto text = request.query_value("limit");
    if (!text) return limit_default;
    int limit = 0;
    const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc{} || stop != text->data() + text->size()) return std::nullopt;
    if (limit < 1 || limit > limit_max) return std::nullopt;
    return limit;
}

std::string not_allowed(const http::Request& request, std::string_view parameter,
                        std::string_view allowed) {
    return std::string(parameter) + " is \"" +
           std::string(request.query_value(parameter).value_or("").substr(0, 64)) + "\"; give " +
           std::string(allowed);
}

}  // namespace

Parsed<std::string> parse_merchant(const http::Request& request) {
    const std::string_view merchant = request.path_value("merchantId");
    if (merchant.find_first_not_of(' ') == std::string_view::npos ||
        characters_in(merchant) > merchant_characters_max || has_control_characters(merchant)) {
        return std::unexpected("the merchant id in the path must have 1 to " +
                               std::to_string(merchant_characters_max) + " characters");
    }
    return std::string(merchant);
}

Parsed<CreateKey> parse_create(const http::Request& request) {
    Fields fields(request.body, {"name", "scopes", "expiresInDays"});
    CreateKey create;
    create.name = read_name(fields);
    create.scopes = read_scopes(fields);
    if (const auto days = fields.number("expiresInDays", 1, lifetime_days_max))
        create.lifetime = std::chrono::days(*days);
    auto merchant = parse_merchant(request);
    if (!merchant) {
        fields.complain(merchant.error());
    } else {
        create.merchant = std::move(*merchant);
    }
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    return create;
}

Parsed<std::chrono::hours> parse_rotate(const http::Request& request,
                                        std::chrono::hours grace_default) {
    Fields fields(request.body, {"graceHours"});
    const auto hours = fields.number("graceHours", 0, grace_hours_max);
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    return hours ? std::chrono::hours(*hours) : grace_default;
}

Parsed<KeyFilter> parse_list(const http::Request& request) {
    KeyFilter filter;
    const auto limit = limit_of(request);
    if (!limit) return std::unexpected(not_allowed(request, "limit", "a number from 1 to 100"));
    filter.limit = *limit;
    if (const auto cursor = request.query_value("cursor")) {
        filter.before = parse_uuid(*cursor);
        if (!filter.before)
            return std::unexpected(
                not_allowed(request, "cursor", "the nextCursor of an earlier page"));
    }
    if (!request.path_value("merchantId").empty()) {
        auto merchant = parse_merchant(request);
        if (!merchant) return std::unexpected(std::move(merchant.error()));
        filter.merchant = std::move(*merchant);
    }
    return filter;
}

}  // namespace florin::merchants
