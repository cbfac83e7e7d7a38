#include "app/kafka_options.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "app/settings.h"
#include "platform/base/ascii.h"
#include "platform/base/require.h"

namespace florin::app {
namespace {

/// Nothing when it cannot be read.
std::optional<std::string> content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// What `parse` makes of a file; nothing to read is an empty file.
template <class Parse>
auto read_file(const std::string& path, Parse parse) -> decltype(parse("")) {
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

namespace {

/// KAFKA_PROPERTIES: the same without lines.
auto listed_properties(const Settings& settings) {
    std::string lines = settings.kafka.properties;
    std::ranges::replace(lines, ',', '\n');
    return parse_kafka_properties(lines);
}

std::vector<kafka::Property> security_properties(const Settings::Kafka& settings) {
    std::vector<kafka::Property> properties;
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) properties.emplace_back(name, value);
    };
    add("security.protocol", settings.security_protocol);
    add("sasl.mechanism", settings.sasl_mechanism);
    add("sasl.username", settings.sasl_username);
    add("sasl.password", settings.sasl_password);
    add("ssl.ca.location", settings.ssl_ca_location);
    add("ssl.certificate.location", settings.ssl_certificate_location);
    add("ssl.key.location", settings.ssl_key_location);
    add("ssl.key.password", settings.ssl_key_password);
    add("ssl.endpoint.identification.algorithm", settings.ssl_endpoint_identification_algorithm);
    return properties;
}

void complain_about_dead_letter_topics(const Settings::Kafka& settings,
                                       std::vector<std::string>& complaints) {
    const auto check = [&](const char* setting, const std::string& name) {
        if (name.empty()) return;
        if (const auto wrong = kafka::complaint_about_topic(name); !wrong.empty())
            complaints.push_back(fmt::format("{}: {}", setting, wrong));
    };
    check("KAFKA_DLQ_SUFFIX", settings.dead_letter_suffix);
    check("KAFKA_DLQ_TOPIC", settings.dead_letter_topic);
}

}  // namespace

std::vector<std::string> complaints_about_kafka(const Settings& settings) {
    std::vector<std::string> complaints;
    const Settings::Kafka& given = settings.kafka;
    if (const auto mapping = read_mapping(settings); !mapping)
        complaints.push_back(
            fmt::format("KAFKA_TOPICS_FILE: {}: {}", given.topics_file, mapping.error()));
    complain_about_dead_letter_topics(given, complaints);
    const auto listed = listed_properties(settings);
    if (!listed) complaints.push_back("KAFKA_PROPERTIES: " + listed.error());
    const auto filed = read_properties(settings);
    if (!filed) {
        complaints.push_back(
            fmt::format("KAFKA_PROPERTIES_FILE: {}: {}", given.properties_file, filed.error()));
    }
    if (given.event_log == EventLog::Kafka && given.bootstrap_servers.empty()) {
        complaints.emplace_back(
            "EVENT_LOG: consumer groups are to read Kafka, and KAFKA_BOOTSTRAP_SERVERS names no "
            "broker; give one, or EVENT_LOG=local");
    }
    if (!listed || !filed || given.bootstrap_servers.empty()) return complaints;
    if (const auto wrong = kafka::complaint_about(kafka_client_options(settings)); !wrong.empty())
        complaints.push_back("Kafka's settings: " + wrong);
    return complaints;
}

kafka::ClientOptions kafka_client_options(const Settings& settings) {
    auto properties = security_properties(settings.kafka);
    for (auto& more : {listed_properties(settings), read_properties(settings)}) {
        require(more.has_value(), "settings are checked");
        properties.insert(properties.end(), more->begin(), more->end());
    }
    return {.bootstrap_servers = settings.kafka.bootstrap_servers,
            .client_id = settings.kafka.client_id,
            .properties = std::move(properties)};
}

kafka::TopicNames kafka_topic_names(const Settings& settings) {
    auto mapping = read_mapping(settings);
    require(mapping.has_value(), "settings are checked");
    return kafka::TopicNames({.preset = settings.kafka.topic_preset,
                              .mapping = std::move(*mapping),
                              .dead_letter_suffix = settings.kafka.dead_letter_suffix,
                              .dead_letter_topic = settings.kafka.dead_letter_topic});
}

}  // namespace florin::app
