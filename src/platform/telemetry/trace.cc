#include "platform/telemetry/trace.h"

#include <algorithm>

namespace florin::telemetry {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool lower_hex(std::string_view text) {
    return std::ranges::all_of(text,
                               [](char c) { return hex_digits.find(c) != std::string_view::npos; });
}

bool usable_correlation_id(std::string_view id) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, allowed);
}

std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31U);
}

void append_mixed_hex(std::string& text, std::uint64_t entropy) {
    std::uint64_t bits = mix(entropy);
    for (std::size_t i = 0; i < 16; ++i, bits >>= 4U) text += hex_digits[bits & 0xFU];
}

std::string new_trace_id(std::uint64_t entropy) {
    std::string text;
    append_mixed_hex(text, entropy + 0x9E3779B97F4A7C15ULL);
    append_mixed_hex(text, entropy + 0x9E3779B97F4A7C15ULL * 2);
    return text;
}

bool is_trace_id(std::string_view id) {
    return id.size() == 32 && lower_hex(id) && id.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<std::string_view> trace_id_of(std::string_view traceparent) {
    // version "-" trace-id "-" parent-id "-" flags; later versions may append more after a dash.
    if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-' ||
        traceparent[52] != '-') {
        return std::nullopt;
    }
    const std::string_view version = traceparent.substr(0, 2);
    const std::string_view id = traceparent.substr(3, 32);
    const std::string_view parent = traceparent.substr(36, 16);
    if (!lower_hex(version) || version == "ff" || !is_trace_id(id) || !lower_hex(parent) ||
        !lower_hex(traceparent.substr(53, 2))) {
        return std::nullopt;
    }
    const std::string_view more = traceparent.substr(55);
    if (!more.empty() && (version == "00" || more.front() != '-')) return std::nullopt;
    if (parent.find_first_not_of('0') == std::string_view::npos) return std::nullopt;
    return id;
}

std::string choose_trace_id(std::string_view traceparent, std::string_view correlation_id,
                            std::uint64_t entropy) {
    if (const auto id = trace_id_of(traceparent)) return std::string(*id);
    if (usable_correlation_id(correlation_id)) return std::string(correlation_id);
    return new_trace_id(entropy);
}

std::string traceparent_of(std::string_view trace_id, std::uint64_t entropy) {
    if (!is_trace_id(trace_id)) return "";
    std::string header = "00-";
    header += trace_id;
    header += '-';
    append_mixed_hex(header, entropy == 0 ? 1 : entropy);  // only zero mixes to the invalid zero
    header += "-01";
    return header;
}

}  // namespace florin::telemetry
