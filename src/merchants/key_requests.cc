#include "merchants/key_requests.h"

#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "platform/base/ascii.h"
#include "platform/base/utf8.h"
#include "platform/http/json_fields.h"
#include "platform/http/list_query.h"
#include "platform/http/message.h"

namespace florin::merchants {
namespace {

namespace json = boost::json;
using http::JsonFields;

constexpr std::size_t merchant_characters_max = 32;
constexpr std::size_t name_characters_max = 64;
constexpr std::int64_t lifetime_days_max = 3'650;
constexpr std::int64_t grace_hours_max = 720;

std::string read_name(JsonFields& fields) {
    const json::value* const value = fields.find("name");
    if (value == nullptr) return {};
    if (const json::string* const text = value->if_string()) {
        const std::string_view name(text->data(), text->size());
        if (characters_in(name) <= name_characters_max && !has_control_characters(name))
            return std::string(name);
    }
    fields.complain_of("name", *value,
                       "a text of at most " + std::to_string(name_characters_max) + " characters");
    return {};
}

Scopes read_scopes(JsonFields& fields) {
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
        fields.complain_of("scopes", *value,
                           "a list of payments:read, payments:write and refunds:write");
    return scopes;
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
    JsonFields fields(request.body, JsonFields::Body::Optional);
    fields.refuse_others({"name", "scopes", "expiresInDays"});
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
    JsonFields fields(request.body, JsonFields::Body::Optional);
    fields.refuse_others({"graceHours"});
    const auto hours = fields.number("graceHours", 0, grace_hours_max);
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    return hours ? std::chrono::hours(*hours) : grace_default;
}

Parsed<KeyFilter> parse_list(const http::Request& request) {
    KeyFilter filter;
    const auto limit = http::limit_of(request);
    if (!limit)
        return std::unexpected(http::complaint_about(request, "limit", "a number from 1 to 100"));
    filter.limit = *limit;
    if (const auto cursor = request.query_value("cursor")) {
        filter.before = parse_uuid(*cursor);
        if (!filter.before)
            return std::unexpected(
                http::complaint_about(request, "cursor", "the nextCursor of an earlier page"));
    }
    if (!request.path_value("merchantId").empty()) {
        auto merchant = parse_merchant(request);
        if (!merchant) return std::unexpected(std::move(merchant.error()));
        filter.merchant = std::move(*merchant);
    }
    return filter;
}

}  // namespace florin::merchants
