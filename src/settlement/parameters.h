#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "platform/http/message.h"
#include "settlement/business_day.h"

/// What the settlement faces read from a query; an empty value counts as absent. The error is the
/// answer that says what is wrong.
namespace florin::settlement {

template <class T>
using Parameter = std::expected<T, http::Response>;

Parameter<std::optional<BusinessDay>> day_parameter(const http::Request& request,
                                                    std::string_view name);
Parameter<bool> switch_parameter(const http::Request& request, std::string_view name);
/// Empty when absent.
Parameter<std::string> merchant_parameter(const http::Request& request, std::string_view name);
/// 20 when absent, at most 100.
Parameter<int> limit_parameter(const http::Request& request);

}  // namespace florin::settlement
