#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>

#include "merchants/key_service.h"

namespace florin::http {
struct Request;
}

/// What operators send about keys, checked: either a request that is right, or a text with all that
/// is wrong with it. Unknown fields are refused: a misspelt `scopes` would give away all of them.
namespace florin::merchants {

template <class T>
using Parsed = std::expected<T, std::string>;

/// {"name", "scopes": ["payments:read", …], "expiresInDays"}, all of them optional, also the body.
Parsed<CreateKey> parse_create(const http::Request& request);
/// {"graceHours"}, optional, also the body.
Parsed<std::chrono::hours> parse_rotate(const http::Request& request,
                                        std::chrono::hours grace_default);
/// `limit` and `cursor` of the query; the merchant of the path when there is one.
Parsed<KeyFilter> parse_list(const http::Request& request);
/// The merchant of the path.
Parsed<std::string> parse_merchant(const http::Request& request);

}  // namespace florin::merchants
