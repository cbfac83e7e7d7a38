#include "platform/telemetry/log_line.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "platform/base/utf8.h"

namespace florin::telemetry {
namespace {

constexpr std::array<std::string_view, 4> level_names = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> level_tags = {"DEBUG", "INFO ", "WARN ", "ERROR"};
constexpr std::array<std::string_view, 4> level_colours = {"\033[90m", "\033[32m", "\033[33m",
                                                           "\033[31m"};

bool plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/// Appends what needs care at the front of `text` and returns how many bytes that was.
std::size_t append_special(std::string& out, std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte == '"' || byte == '\\') {
        out += '\\';
        out += text.front();
        return 1;
    }
    if (byte < 0x80) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        return 1;
    }
    const std::size_t length = utf8_length(text);
    if (length == 0) {
        out += utf8_replacement;
        return 1;
    }
    // C1 controls drive terminals too.
    if (byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(text[1]));
    } else {
        out += text.substr(0, length);
    }
    return length;
}

void append_escaped(std::string& out, std::string_view text) {
    while (!text.empty()) {
        std::size_t run = 0;
        while (run < text.size() && plain(static_cast<unsigned char>(text[run]))) ++run;
        out += text.substr(0, run);
        text.remove_prefix(run);
        if (!text.empty()) text.remove_prefix(append_special(out, text));
    }
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

void append_number(std::string& out, double value) {
    // JSON has no word for these; a text keeps the line readable by machines.
    if (!std::isfinite(value)) {
        out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    } else {
        fmt::format_to(std::back_inserter(out), "{}", value);
    }
}

struct ValueAppender {
    std::string& out;

    void operator()(std::string_view value) const { append_quoted(out, value); }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(double value) const { append_number(out, value); }
    void operator()(std::int64_t value) const {
        const fmt::format_int text(value);
        out.append(text.data(), text.size());
    }
};

void append_time(std::string& out, Instant at) {
    // Lines come in bursts: the calendar is worked out once a second and thread.
    thread_local std::int64_t cached_second = -1;
    thread_local std::string cached_text;
    const std::int64_t ms = unix_ms(at);
    const std::int64_t second = ms / 1'000;
    if (second != cached_second) {
        cached_text =
            fmt::format("{:%Y-%m-%dT%H:%M:%S}.", fmt::gmtime(static_cast<time_t>(second)));
        cached_second = second;
    }
    const auto part = static_cast<unsigned>(ms % 1'000);
    out += cached_text;
    out += static_cast<char>('0' + part / 100);
    out += static_cast<char>('0' + part / 10 % 10);
    out += static_cast<char>('0' + part % 10);
    out += 'Z';
}

}  // namespace

void append_json_line(std::string& out, Instant at, Level level, std::string_view message,
                      std::initializer_list<Field> fields) {
    out += "{\"level\":\"";
    out += level_names[static_cast<std::size_t>(level)];
    out += "\",\"ts\":\"";
    append_time(out, at);
    out += "\",\"msg\":";
    append_quoted(out, message);
    for (const auto& field : fields) {
        out += ',';
        append_quoted(out, field.key);
        out += ':';
        std::visit(ValueAppender{out}, field.value);
    }
    out += "}\n";
}

void append_console_line(std::string& out, bool colour, Instant at, Level level,
                         std::string_view message, std::initializer_list<Field> fields) {
    append_time(out, at);
    out += ' ';
    if (colour) out += level_colours[static_cast<std::size_t>(level)];
    out += level_tags[static_cast<std::size_t>(level)];
    if (colour) out += "\033[0m";
    out += ' ';
    append_escaped(out, message);
    for (const auto& field : fields) {
        out += colour ? "  \033[36m" : "  ";
        append_escaped(out, field.key);
        out += colour ? "\033[0m=" : "=";
        std::visit(ValueAppender{out}, field.value);
    }
    out += '\n';
}

}  // namespace florin::telemetry
