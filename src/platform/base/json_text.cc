#include "platform/base/json_text.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "platform/base/utf8.h"

namespace florin {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_plain(char c) {
    return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20 &&
           static_cast<unsigned char>(c) < 0x80;
}

/// Appends what is not plain at the front of `text`; how many bytes of it that was.
std::size_t append_special(std::string& out, std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte >= 0x80) {
        const std::size_t length = utf8_length(text);
        out.append(length == 0 ? utf8_replacement : text.substr(0, length));
        return length == 0 ? 1 : length;
    }
    if (byte < 0x20) {
        out += "\\u00";
        out.push_back(hex_digits[byte >> 4U]);
        out.push_back(hex_digits[byte & 0xFU]);
    } else {
        out.push_back('\\');
        out.push_back(text.front());
    }
    return 1;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    std::size_t copied = 0;
    std::size_t i = 0;
    while (i < text.size()) {
        if (is_plain(text[i])) {
            ++i;
            continue;
        }
        out.append(text.substr(copied, i - copied));
        i += append_special(out, text.substr(i));
        copied = i;
    }
    out.append(text.substr(copied));
    out.push_back('"');
}

void append_rfc3339(std::string& out, long long unix_us) {
    using std::chrono::days;
    using std::chrono::floor;
    using std::chrono::hh_mm_ss;
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    using std::chrono::sys_time;
    using std::chrono::year_month_day;
    const sys_time<microseconds> at{microseconds(unix_us)};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(floor<milliseconds>(at - day));
    std::array<char, 40> text{};
    const int size = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
        static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
        static_cast<int>(time.subseconds().count()));
    out.append(text.data(), static_cast<std::size_t>(size));
}

}  // namespace florin
