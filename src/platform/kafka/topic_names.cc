#include "platform/kafka/topic_names.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "platform/base/ascii.h"

namespace florin::kafka {
namespace {

constexpr std::string_view any_type = "*";
constexpr std::size_t topic_characters_max = 249;

constexpr std::string_view commerce_prefix = "koosco.commerce.";
// Of those systems, for types they do not know.
constexpr std::string_view commerce_default = "koosco.commerce.integration.order";
constexpr std::string_view payments_default = "payment.unknown";

bool may_stand_in_a_topic(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

std::string by_preset(TopicPreset preset, std::string_view type) {
    const bool payment = type.starts_with("payment.");
    switch (preset) {
        case TopicPreset::Florin:
            return std::string(type);
        case TopicPreset::Payments:
            return std::string(payment ? type : payments_default);
        case TopicPreset::Commerce:
            break;
    }
    const bool known = payment || type.starts_with("order.") || type.starts_with("stock.");
    return known ? std::string(commerce_prefix) + std::string(type) : std::string(commerce_default);
}

}  // namespace

std::string complaint_about_topic(std::string_view name) {
    if (name.empty()) return "a topic has a name";
    if (name == "." || name == "..") return fmt::format("no topic can be called \"{}\"", name);
    if (name.size() > topic_characters_max)
        return fmt::format("a topic's name has at most {} characters", topic_characters_max);
    if (!std::ranges::all_of(name, may_stand_in_a_topic))
        return fmt::format("\"{}\" has other characters than a-z, A-Z, 0-9, '.', '_' and '-'",
                           name);
    return {};
}

std::expected<TopicMapping, std::string> parse_topic_mapping(std::string_view text) {
    TopicMapping mapping;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.front() == '#') continue;
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) {
            return std::unexpected(
                fmt::format("line {} is no \"event type = topic\": {}", number, line));
        }
        const auto type = trimmed(line.substr(0, equals));
        const auto topic = trimmed(line.substr(equals + 1));
        if (type.empty()) return std::unexpected(fmt::format("line {} names no type", number));
        if (const auto wrong = complaint_about_topic(topic); !wrong.empty())
            return std::unexpected(fmt::format("line {}: {}", number, wrong));
        if (!mapping.emplace(type, topic).second)
            return std::unexpected(fmt::format("line {} maps {} a second time", number, type));
    }
    return mapping;
}

TopicNames::TopicNames(Options options) : options_(std::move(options)) {
    if (options_.dead_letter_suffix.empty())
        options_.dead_letter_suffix = options_.preset == TopicPreset::Commerce ? "-dlt" : ".dlq";
    if (options_.dead_letter_topic.empty() && options_.preset == TopicPreset::Payments)
        options_.dead_letter_topic = "payment.dlq";
}

std::string TopicNames::topic_of(std::string_view event_type) const {
    auto found = options_.mapping.find(event_type);
    if (found == options_.mapping.end()) found = options_.mapping.find(any_type);
    if (found != options_.mapping.end()) return found->second;
    return by_preset(options_.preset, event_type);
}

std::string TopicNames::dead_letter_topic_of(std::string_view topic) const {
    if (!options_.dead_letter_topic.empty()) return options_.dead_letter_topic;
    return std::string(topic) + options_.dead_letter_suffix;
}

std::vector<std::string> TopicNames::topics_of(const std::vector<std::string>& types) const {
    std::vector<std::string> topics;
    for (const auto& type : types) {
        auto topic = topic_of(type);
        if (std::ranges::find(topics, topic) == topics.end()) topics.push_back(std::move(topic));
    }
    return topics;
}

}  // namespace florin::kafka
