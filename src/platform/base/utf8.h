#pragma once

#include <cstddef>
#include <string_view>

namespace florin {

constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";  // U+FFFD

/// The length of the sequence of several bytes at the front of `text` (RFC 3629, 4); 0 when there
/// is none. ASCII is for the caller.
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

/// How many characters (code points) UTF-8 holds.
std::size_t characters_in(std::string_view utf8);

}  // namespace florin
