#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/setting_table.h"
#include "platform/base/ascii.h"

/// The kinds of values a setting can have: each function makes the table's entry for one member of
/// `Settings`, which `member` finds in a const or a mutable one.
namespace florin::app {

/// What every entry says of itself.
struct SettingText {
    std::string name;
    std::string group;
    std::string help;
};

/// Decimal digits only, from `least` to `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least,
                                          std::uint64_t most);
/// Decimal digits, perhaps after a minus, from -1,000,000,000 to 1,000,000,000.
std::optional<std::int64_t> parse_signed_number(std::string_view text);
/// Minutes from UTC, from -720 to 840.
std::optional<std::chrono::minutes> parse_utc_offset(std::string_view text);
/// "00:30", as minutes after midnight.
std::optional<std::chrono::minutes> parse_time_of_day(std::string_view text);
std::string show_time_of_day(std::chrono::minutes time);
std::optional<double> parse_fraction(std::string_view text);
std::string show_fraction(double value);
std::optional<bool> parse_yes_or_no(std::string_view text);
bool is_ip_address(const std::string& text);
/// An absolute http or https URL, without the slashes at its end.
std::optional<std::string> parse_web_address(std::string_view text);
/// Host names, addresses and CIDR blocks, separated by commas.
std::optional<std::vector<std::string>> parse_host_list(std::string_view text);
using GatewayList = std::vector<std::pair<std::string, std::string>>;
/// "shop-1=simulator,shop-2=rules": merchants, each once, and names of gateways that exist.
std::optional<GatewayList> parse_gateway_list(std::string_view text);
std::string show_gateway_list(const GatewayList& list);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

template <class Assign, class Show>
Setting make_setting(SettingText text, std::string allowed, Assign assign, Show show) {
    Setting setting;
    setting.name = std::move(text.name);
    setting.group = std::move(text.group);
    setting.help = std::move(text.help);
    setting.allowed = std::move(allowed);
    setting.assign = std::move(assign);
    setting.show = std::move(show);
    return setting;
}

/// The entry of a value that `parse` reads (to an optional) and `write` shows.
template <class Member, class Parse, class Write>
Setting parsed(SettingText text, std::string allowed, Member member, const Parse& parse,
               const Write& write) {
    return make_setting(
        std::move(text), std::move(allowed),
        [member, parse](Settings& settings, std::string_view given) {
            auto value = parse(given);
            if (value) member(settings) = std::move(*value);
            return value.has_value();
        },
        [member, write](const Settings& settings) { return write(member(settings)); });
}

/// An integer or a duration, in the unit its name says.
template <class Member>
Setting whole_number(SettingText text, Member member, std::uint64_t least, std::uint64_t most) {
    using Value = std::remove_reference_t<decltype(member(std::declval<Settings&>()))>;
    const auto parse = [least, most](std::string_view given) -> std::optional<Value> {
        const auto number = parse_number(given, least, most);
        if (!number) return std::nullopt;
        if constexpr (std::is_integral_v<Value>) {
            return static_cast<Value>(*number);
        } else {
            return Value(static_cast<typename Value::rep>(*number));
        }
    };
    const auto write = [](const Value& value) {
        if constexpr (std::is_integral_v<Value>) {
            return std::to_string(value);
        } else {
            return std::to_string(value.count());
        }
    };
    return parsed(std::move(text),
                  "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
                  member, parse, write);
}

/// An integer or a duration that means "none" at or below zero.
template <class Member>
Setting signed_number(SettingText text, Member member) {
    using Value = std::remove_reference_t<decltype(member(std::declval<Settings&>()))>;
    const auto parse = [](std::string_view given) -> std::optional<Value> {
        const auto number = parse_signed_number(given);
        return number ? std::optional<Value>(Value(*number)) : std::nullopt;
    };
    const auto write = [](const Value& value) {
        if constexpr (std::is_integral_v<Value>) {
            return std::to_string(value);
        } else {
            return std::to_string(value.count());
        }
    };
    return parsed(std::move(text), "a whole number up to 1000000000, 0 or less for none", member,
                  parse, write);
}

template <class Member>
Setting utc_offset(SettingText text, Member member) {
    return parsed(std::move(text), "minutes from -720 to 840, 540 for Seoul", member,
                  parse_utc_offset,
                  [](std::chrono::minutes value) { return std::to_string(value.count()); });
}

template <class Member>
Setting time_of_day(SettingText text, Member member) {
    return parsed(std::move(text), "a time of day such as 00:30", member, parse_time_of_day,
                  show_time_of_day);
}

template <class Member>
Setting optional_number(SettingText text, Member member) {
    using Value = std::optional<std::uint64_t>;
    return parsed(
        std::move(text), "a whole number from 0 to 18446744073709551615, or nothing", member,
        [](std::string_view given) -> std::optional<Value> {
            if (given.empty()) return Value();
            const auto number = parse_number(given, 0, UINT64_MAX);
            return number ? std::optional<Value>(number) : std::nullopt;
        },
        [](const Value& value) { return value ? std::to_string(*value) : std::string(); });
}

template <class Member>
Setting fraction(SettingText text, Member member) {
    return parsed(std::move(text), "a number from 0 to 1", member, parse_fraction, show_fraction);
}

template <class Member>
Setting yes_or_no(SettingText text, Member member) {
    auto setting = parsed(std::move(text), "true or false", member, parse_yes_or_no,
                          [](bool value) { return std::string(value ? "true" : "false"); });
    setting.is_switch = true;
    return setting;
}

template <class Member>
Setting text(SettingText about, Member member) {
    return parsed(
        std::move(about), "a text without line breaks", member,
        [](std::string_view given) -> std::optional<std::string> {
            if (given.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
                return std::nullopt;
            }
            return std::string(given);
        },
        [](const std::string& value) { return value; });
}

template <class Member>
Setting path(SettingText text, Member member) {
    return parsed(
        std::move(text), "a folder", member,
        [](std::string_view given) -> std::optional<std::filesystem::path> {
            if (given.empty() || given.find('\0') != std::string_view::npos) return std::nullopt;
            return std::filesystem::path(given);
        },
        [](const std::filesystem::path& value) { return value.string(); });
}

template <class Member>
Setting address(SettingText text, Member member) {
    return parsed(
        std::move(text), "an IP address such as 0.0.0.0, 127.0.0.1 or ::", member,
        [](std::string_view given) -> std::optional<std::string> {
            std::string value(given);
            if (!is_ip_address(value)) return std::nullopt;
            return value;
        },
        [](const std::string& value) { return value; });
}

template <class Member>
Setting web_address(SettingText text, Member member) {
    return parsed(std::move(text), "an absolute URL such as https://pay.example.com", member,
                  parse_web_address, [](const std::string& value) { return value; });
}

template <class Member>
Setting host_list(SettingText text, Member member) {
    return parsed(std::move(text), "hosts and CIDR blocks such as hooks.internal,10.1.0.0/16",
                  member, parse_host_list,
                  [](const std::vector<std::string>& hosts) { return join(hosts, ","); });
}

template <class Member>
Setting gateway_list(SettingText text, Member member) {
    return parsed(std::move(text), "MERCHANT=GATEWAY such as shop-1=simulator,shop-2=rules", member,
                  parse_gateway_list, show_gateway_list);
}

template <class Member>
Setting scenario(SettingText text, Member member) {
    return parsed(
        std::move(text), "one of approve, fail, delay, random, timeout", member,
        [](std::string_view given) { return gateway::parse_scenario(given); },
        [](gateway::Scenario value) { return std::string(gateway::name_of(value)); });
}

template <class Member>
Setting role_list(SettingText text, Member member) {
    return parsed(std::move(text),
                  "all, or some of api, gateway, worker and relay by commas, or reservation-worker "
                  "alone",
                  member, Roles::parse, [](const Roles& roles) { return roles.text(); });
}

/// One of several names, in any case; a value is shown by its first name.
template <class Member,
          class Value = std::remove_reference_t<std::invoke_result_t<Member, Settings&>>>
Setting choice(SettingText text, Member member,
               std::initializer_list<std::type_identity_t<std::pair<const char*, Value>>> names) {
    const std::vector<std::pair<const char*, Value>> all(names);
    std::vector<std::string> allowed;
    allowed.reserve(all.size());
    for (const auto& [name, value] : all) allowed.emplace_back(name);
    const auto parse = [all](std::string_view given) -> std::optional<Value> {
        for (const auto& [name, value] : all) {
            if (equal_ignoring_case(given, name)) return value;
        }
        return std::nullopt;
    };
    const auto write = [all](const Value& shown) {
        for (const auto& [name, value] : all) {
            if (value == shown) return std::string(name);
        }
        return std::string();
    };
    return parsed(std::move(text), "one of " + join(allowed, ", "), member, parse, write);
}

}  // namespace florin::app
