#include "loadgen/flows_http.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "platform/base/ascii.h"

namespace florin::loadgen {
namespace {

constexpr std::size_t head_bytes_max = 16 * 1024;
constexpr std::size_t body_bytes_max = 16 << 20;
constexpr std::string_view version = "HTTP/1.1 ";

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && stop == text.data() + text.size();
}

/// The status of a final answer.
std::optional<unsigned> status_of(std::string_view line) {
    unsigned status = 0;
    if (!line.starts_with(version) || line.size() < version.size() + 3) return std::nullopt;
    if (!read_number(line.substr(version.size(), 3), status)) return std::nullopt;
    if (status < 200 || status > 599) return std::nullopt;
    return status;
}

/// Reads the fields after the status line; false: this is not an answer we take.
bool read_fields(std::string_view fields, RawAnswer& answer, std::optional<std::size_t>& length) {
    while (!fields.empty()) {
        const std::string_view line = fields.substr(0, fields.find("\r\n"));
        fields.remove_prefix(std::min(fields.size(), line.size() + 2));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return false;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (equal_ignoring_case(name, "content-length")) {
            std::size_t given = 0;
            if (!read_number(value, given) || (length && *length != given)) return false;
            length = given;
        } else if (equal_ignoring_case(name, "idempotent-replayed")) {
            answer.replayed = value == "true";
        } else if (equal_ignoring_case(name, "connection")) {
            answer.last = equal_ignoring_case(value, "close");
        } else if (equal_ignoring_case(name, "transfer-encoding")) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::ptrdiff_t parse_answer(std::string_view input, RawAnswer& answer) {
    const auto head_end = input.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return input.size() > head_bytes_max ? -1 : 0;
    const std::string_view head = input.substr(0, head_end);
    const std::string_view first = head.substr(0, head.find("\r\n"));
    const auto status = status_of(first);
    if (!status) return -1;
    answer = RawAnswer{};
    answer.status = *status;
    std::optional<std::size_t> length;
    const std::string_view fields = head.substr(std::min(head.size(), first.size() + 2));
    if (!read_fields(fields, answer, length)) return -1;
    if (*status == 204 || *status == 304) length = 0;
    if (!length || *length > body_bytes_max) return -1;
    const std::size_t total = head_end + 4 + *length;
    if (input.size() < total) return 0;
    answer.body = input.substr(head_end + 4, *length);
    return static_cast<std::ptrdiff_t>(total);
}

}  // namespace florin::loadgen
