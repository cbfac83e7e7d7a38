#include "app/env_file.h"

#include <algorithm>
#include <expected>
#include <optional>
#include <utility>

namespace florin::app {
namespace {

constexpr std::string_view blanks = " \t";

using Value = std::expected<std::string, std::string>;

std::string_view without_leading_blanks(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

bool is_name(std::string_view text) {
    const auto letter = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    };
    return !text.empty() && letter(text.front()) && std::ranges::all_of(text, [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '.';
    });
}

/// What follows a closing quote may only be a comment.
Value ended(std::string value, std::string_view rest) {
    rest = without_leading_blanks(rest);
    if (!rest.empty() && rest.front() != '#') {
        return std::unexpected("text after the closing quote; put the whole value in quotes");
    }
    return value;
}

Value single_quoted(std::string_view text) {
    const auto close = text.find('\'', 1);
    if (close == std::string_view::npos) return std::unexpected("the quote ' is never closed");
    return ended(std::string(text.substr(1, close - 1)), text.substr(close + 1));
}

Value double_quoted(std::string_view text) {
    std::string value;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') return ended(std::move(value), text.substr(i + 1));
        if (text[i] == '\\' && i + 1 < text.size()) {
            const char escaped = text[++i];
            if (escaped == 'n') {
                value += '\n';
            } else if (escaped == 't') {
                value += '\t';
            } else {
                if (escaped != '"' && escaped != '\\' && escaped != '$') value += '\\';
                value += escaped;
            }
        } else {
            value += text[i];
        }
    }
    return std::unexpected("the quote \" is never closed");
}

Value bare(std::string_view text) {
    // A # starts a comment only after a blank: passwords and URLs contain it.
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '#' && i > 0 && blanks.find(text[i - 1]) != std::string_view::npos) {
            text = text.substr(0, i);
        }
    }
    const auto last = text.find_last_not_of(blanks);
    return std::string(last == std::string_view::npos ? std::string_view()
                                                      : text.substr(0, last + 1));
}

Value parse_value(std::string_view text) {
    const bool indented = !text.empty() && blanks.find(text.front()) != std::string_view::npos;
    text = without_leading_blanks(text);
    if (indented && !text.empty() && text.front() == '#') return std::string();
    if (text.starts_with('\'')) return single_quoted(text);
    if (text.starts_with('"')) return double_quoted(text);
    return bare(text);
}

/// The entry of a line that holds one, or what is wrong with it.
std::expected<std::optional<EnvEntry>, std::string> parse_line(std::string_view line) {
    line = without_leading_blanks(line);
    if (line.empty() || line.front() == '#') return std::nullopt;
    if (line.find('\0') != std::string_view::npos) return std::unexpected("it contains a NUL byte");
    if (line.starts_with("export ") || line.starts_with("export\t")) {
        line = without_leading_blanks(line.substr(7));
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
        return std::unexpected("there is no '='; write NAME=value");
    std::string_view name = line.substr(0, equals);
    name = name.substr(0, name.find_last_not_of(blanks) + 1);
    if (!is_name(name)) {
        return std::unexpected("the name before '=' may hold letters, digits, '_' and '.' only");
    }
    auto value = parse_value(line.substr(equals + 1));
    if (!value) return std::unexpected(std::string(name) + ": " + value.error());
    return EnvEntry{std::string(name), std::move(*value), 0};
}

}  // namespace

EnvFile parse_env_file(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    EnvFile file;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto newline = text.find('\n');
        std::string_view line = text.substr(0, newline);
        text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        auto parsed = parse_line(line);
        if (!parsed) {
            file.errors.push_back("line " + std::to_string(number) + ": " + parsed.error());
        } else if (std::optional<EnvEntry> entry = std::move(*parsed)) {
            entry->line = number;
            file.entries.push_back(std::move(*entry));
        }
    }
    return file;
}

}  // namespace florin::app
