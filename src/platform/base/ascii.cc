#include "platform/base/ascii.h"

#include <algorithm>

namespace florin {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = lower(c);
    return result;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, is_control_character);
}

std::string printable(std::string_view text) {
    std::string shown(text);
    std::ranges::replace_if(shown, is_control_character, ' ');
    return shown;
}

}  // namespace florin
