#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/http/message.h"

/// What a list takes from its query, the same for all lists.
namespace florin::http {

/// How many entries the query's `limit` asks for: 20 when it is left out, nothing unless it is a
/// number from 1 to `most`.
std::optional<int> limit_of(const Request& request, int most = 100);

/// What a parameter of the query is, and what it takes instead.
std::string complaint_about(const Request& request, std::string_view parameter,
                            std::string_view takes);
/// The same as the answer: 400, invalid_parameter.
Response invalid_parameter(const Request& request, std::string_view parameter,
                           std::string_view takes);

}  // namespace florin::http
