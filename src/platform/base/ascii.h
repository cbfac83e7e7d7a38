#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text as protocols and settings mean it: letters are those of ASCII, whatever the locale.
namespace florin {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower(std::string_view text);

constexpr bool equal_ignoring_case(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (lower(left[i]) != lower(right[i])) return false;
    }
    return true;
}

/// Without the blanks (space, tab, carriage return, line feed) at its ends.
std::string_view trimmed(std::string_view text);

constexpr bool is_control_character(char c) {
    return (c >= 0 && c < ' ') || c == '\x7F';
}
bool has_control_characters(std::string_view text);
/// With a space for each control character: what came from outside must not steer a terminal.
std::string printable(std::string_view text);

}  // namespace florin
