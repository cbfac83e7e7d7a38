#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "platform/http/message.h"

namespace florin::http {

/// Takes a request target ("/path?query") apart into `request`: percent-decodes, refuses bad
/// escapes, NUL, and dot segments. The error says what is wrong. In the path an escaped slash stays
/// "%2F", so that it parts no segments, and a percent sign "%25".
std::expected<void, std::string> read_target(std::string_view target, Request& request);

}  // namespace florin::http
