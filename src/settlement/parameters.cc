#include "settlement/parameters.h"

#include <charconv>
#include <string>

#include "payments/requests.h"

namespace florin::settlement {
namespace {

constexpr int limit_default = 20;
constexpr int limit_max = 100;

}  // namespace

Parameter<std::optional<BusinessDay>> day_parameter(const http::Request& request,
                                                    std::string_view name) {
    const auto text = request.query_value(name);
    if (!text || text->empty()) return std::nullopt;
    const auto day = parse_day(*text);
    if (!day) return std::unexpected(wrong_parameter(request, name, "a date such as 2026-11-21"));
    return day;
}

Parameter<bool> switch_parameter(const http::Request& request, std::string_view name) {
    const auto text = request.query_value(name);
    if (!text || text->empty() || *text == "false") return false;
    if (*text == "true") return true;
    return std::unexpected(wrong_parameter(request, name, "true or false"));
}

// Merchants' names are judged where payments judge them.
Parameter<std::string> merchant_parameter(const http::Request& request, std::string_view name) {
    const std::string_view given = request.query_value(name).value_or("");
    if (given.empty()) return std::string();
    http::Request named;
    named.query = {{"merchantId", std::string(given)}};
    auto merchant = payments::parse_merchant(named);
    if (!merchant) {
        return std::unexpected(http::problem(
            400, "invalid_parameter", std::string(name) + ' ' + merchant.error().front().message,
            request.trace_id));
    }
    return *std::move(merchant);
}

Parameter<int> limit_parameter(const http::Request& request) {
    const auto text = request.query_value("limit");
    if (!text || text->empty()) return limit_default;
    int limit = 0;
    const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc{} || stop != text->data() + text->size() || limit < 1 ||
        limit > limit_max) {
        return std::unexpected(wrong_parameter(request, "limit", "a number from 1 to 100"));
    }
    return limit;
}

http::Response wrong_parameter(const http::Request& request, std::string_view name,
                               std::string_view takes) {
    return http::problem(400, "invalid_parameter",
                         std::string(name) + " is \"" +
                             std::string(request.query_value(name).value_or("").substr(0, 64)) +
                             "\"; it takes " + std::string(takes),
                         request.trace_id);
}

}  // namespace florin::settlement
