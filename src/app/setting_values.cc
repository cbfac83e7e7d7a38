#include "app/setting_values.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "platform/base/ascii.h"

namespace florin::app {
namespace {

bool is_host_or_block(std::string_view text) {
    const auto slash = text.find('/');
    const std::string host(text.substr(0, slash));
    if (slash != std::string_view::npos) {
        const bool v6 = host.find(':') != std::string::npos;
        return is_ip_address(host) && parse_number(text.substr(slash + 1), 0, v6 ? 128 : 32);
    }
    if (is_ip_address(host)) return true;
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    });
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least,
                                          std::uint64_t most) {
    std::uint64_t number = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [rest, error] = std::from_chars(begin, end, number);
    if (error != std::errc() || rest != end || number < least || number > most) return std::nullopt;
    return number;
}

std::optional<std::int64_t> parse_signed_number(std::string_view text) {
    constexpr std::int64_t most = 1'000'000'000;
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end || number < -most || number > most) return std::nullopt;
    return number;
}

std::optional<std::chrono::minutes> parse_utc_offset(std::string_view text) {
    const auto number = parse_signed_number(text);
    if (!number || *number < -720 || *number > 840) return std::nullopt;
    return std::chrono::minutes(*number);
}

std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto hour = parse_number(text.substr(0, 2), 0, 23);
    const auto minute = parse_number(text.substr(3), 0, 59);
    if (!hour || !minute) return std::nullopt;
    return std::chrono::minutes(*hour * 60 + *minute);
}

std::string show_time_of_day(std::chrono::minutes time) {
    return fmt::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
}

std::optional<double> parse_fraction(std::string_view text) {
    double number = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [rest, error] = std::from_chars(begin, end, number, std::chars_format::fixed);
    // The comparison is written so that a NaN fails it.
    if (error != std::errc() || rest != end || !(number >= 0 && number <= 1)) return std::nullopt;
    return number;
}

std::string show_fraction(double value) {
    return fmt::format("{}", value);
}

std::optional<bool> parse_yes_or_no(std::string_view text) {
    for (const char* const yes : {"true", "1", "yes", "on"}) {
        if (equal_ignoring_case(text, yes)) return true;
    }
    for (const char* const no : {"false", "0", "no", "off"}) {
        if (equal_ignoring_case(text, no)) return false;
    }
    return std::nullopt;
}

bool is_ip_address(const std::string& text) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

std::optional<std::string> parse_web_address(std::string_view text) {
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(0, scheme);
    if (name != "http" && name != "https") return std::nullopt;
    const bool unusable = std::ranges::any_of(text, [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '"' || c == '<' ||
               c == '>' || c == '?' || c == '#';
    });
    const std::string_view rest = text.substr(scheme + 3);
    if (unusable || rest.empty() || rest.front() == '/' || rest.front() == ':') return std::nullopt;
    return std::string(text.substr(0, text.find_last_not_of('/') + 1));
}

std::optional<std::vector<std::string>> parse_host_list(std::string_view text) {
    std::vector<std::string> hosts;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view host = trimmed(text.substr(0, comma));
        if (!is_host_or_block(host)) return std::nullopt;
        hosts.emplace_back(host);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return hosts;
}

std::optional<GatewayList> parse_gateway_list(std::string_view text) {
    GatewayList list;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view pair = trimmed(text.substr(0, comma));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0) return std::nullopt;
        std::string merchant(pair.substr(0, equals));
        const std::string_view gateway = pair.substr(equals + 1);
        if (gateway != "rules" && gateway != "simulator") return std::nullopt;
        const bool twice =
            std::ranges::any_of(list, [&](const auto& other) { return other.first == merchant; });
        if (twice) return std::nullopt;
        list.emplace_back(std::move(merchant), gateway);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return list;
}

std::string show_gateway_list(const GatewayList& list) {
    std::string shown;
    for (const auto& [merchant, gateway] : list) {
        if (!shown.empty()) shown += ',';
        shown.append(merchant).append(1, '=').append(gateway);
    }
    return shown;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    return fmt::format("{}", fmt::join(parts, separator));
}

}  // namespace florin::app
