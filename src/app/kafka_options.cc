#include "app/kafka_options.h"

#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "app/settings.h"
#include "platform/base/require.h"

namespace florin::app {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// Nothing when it cannot be read.
std::optional<std::string> content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// What `parse` makes of a file; nothing to read is an empty file.
template <class Parse>
auto read_file(const std::filesystem::path& path, Parse parse) -> decltype(parse("")) {
    if (path.empty()) return parse("");
    const auto content = content_of(path);
    if (!content) return std::unexpected("it cannot be read");
    return parse(*content);
}

auto read_properties(const Settings& settings) {
    return read_file(settings.kafka.properties_file, parse_kafka_properties);
}

auto read_mapping(const Settings& settings) {
    return read_file(settings.kafka.topics_file, kafka::parse_topic_mapping);
}

}  // namespace

std::expected<std::vector<kafka::Property>, std::string> parse_kafka_properties(
    std::string_view text) {
    std::vector<kafka::Property> properties;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.front() == '#') continue;
        const auto equals = line.find('=');
        const auto name = trimmed(line.substr(0, equals));
        if (equals == std::string_view::npos || name.empty())
            return std::unexpected(fmt::format("line {} is no \"name = value\"", number));
        if (const auto refusal = kafka::refuse_property(name))
            return std::unexpected(fmt::format("line {}: \"{}\" {}", number, name, *refusal));
        properties.emplace_back(name, trimmed(line.substr(equals + 1)));
    }
    return properties;
}

std::vector<std::string> complaints_about_kafka(const Settings& settings) {
    std::vector<std::string> complaints;
    if (const auto mapping = read_mapping(settings); !mapping) {
        complaints.push_back(fmt::format("KAFKA_TOPICS_FILE: {}: {}",
                                         settings.kafka.topics_file.string(), mapping.error()));
    }
    if (const auto properties = read_properties(settings); !properties) {
        complaints.push_back(fmt::format("KAFKA_PROPERTIES_FILE: {}: {}",
                                         settings.kafka.properties_file.string(),
                                         properties.error()));
    } else if (!settings.kafka.bootstrap_servers.empty()) {
        const auto wrong = kafka::complaint_about(kafka_client_options(settings));
        if (!wrong.empty()) complaints.push_back("KAFKA_PROPERTIES_FILE: " + wrong);
    }
    return complaints;
}

kafka::ClientOptions kafka_client_options(const Settings& settings) {
    auto properties = read_properties(settings);
    require(properties.has_value(), "settings are checked");
    return {.bootstrap_servers = settings.kafka.bootstrap_servers,
            .client_id = settings.kafka.client_id,
            .properties = std::move(*properties)};
}

kafka::TopicNames kafka_topic_names(const Settings& settings) {
    auto mapping = read_mapping(settings);
    require(mapping.has_value(), "settings are checked");
    return kafka::TopicNames(
        {.preset = settings.kafka.topic_preset, .mapping = std::move(*mapping)});
}

}  // namespace florin::app
