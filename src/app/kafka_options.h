#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "platform/kafka/client.h"
#include "platform/kafka/topic_names.h"

namespace florin::app {

struct Settings;

/// Reads lines of `name = value` of KAFKA_PROPERTIES_FILE; empty lines and those that begin with #
/// say nothing. The error names the line and never its value.
std::expected<std::vector<kafka::Property>, std::string> parse_kafka_properties(
    std::string_view text);

/// What is wrong with the files that the settings name, for people. Reads them.
std::vector<std::string> complaints_about_kafka(const Settings& settings);

/// Of settings that are checked.
kafka::ClientOptions kafka_client_options(const Settings& settings);
kafka::TopicNames kafka_topic_names(const Settings& settings);

}  // namespace florin::app
