#include "settlement/parameters.h"

#include <string>

#include "payments/requests.h"
#include "platform/http/list_query.h"

namespace florin::settlement {

Parameter<std::optional<BusinessDay>> day_parameter(const http::Request& request,
                                                    std::string_view name) {
    const auto text = request.query_value(name);
    if (!text) return std::nullopt;
    const auto day = parse_day(*text);
    if (!day)
        return std::unexpected(http::invalid_parameter(request, name, "a date such as 2026-11-21"));
    return day;
}

Parameter<bool> switch_parameter(const http::Request& request, std::string_view name) {
    const auto text = request.query_value(name);
    if (!text || *text == "false") return false;
    if (*text == "true") return true;
    return std::unexpected(http::invalid_parameter(request, name, "true or false"));
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
    const auto limit = http::limit_of(request);
    if (!limit)
        return std::unexpected(http::invalid_parameter(request, "limit", "a number from 1 to 100"));
    return *limit;
}

}  // namespace florin::settlement
