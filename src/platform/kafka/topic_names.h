#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace florin::kafka {

/// Whose names topics have.
enum class TopicPreset : std::uint8_t {
    Florin,    // the event's type as it is; dead letters in <topic>.dlq
    Payments,  // the same for payment.*, else payment.unknown; dead letters in payment.dlq
    Commerce   // koosco.commerce.<type> for payment.*, order.* and stock.*, else
               // koosco.commerce.integration.order; dead letters in <topic>-dlt
};

/// Topics by the type of event: "payment.captured" → "shop.captured". The type "*" stands for all
/// others.
using TopicMapping = std::map<std::string, std::string, std::less<>>;

/// Reads lines of `type = topic`; empty lines and those that begin with # say nothing. The error
/// names the line and what is wrong with it.
std::expected<TopicMapping, std::string> parse_topic_mapping(std::string_view text);

/// What is wrong with a topic's name, for people; empty when Kafka takes it.
std::string complaint_about_topic(std::string_view name);

/// Which topic an event goes to and which one takes what could not be handled. A value.
class TopicNames {
public:
    struct Options {
        TopicPreset preset = TopicPreset::Florin;
        TopicMapping mapping = {};            // before the preset
        std::string dead_letter_suffix = {};  // empty: the preset's
        std::string dead_letter_topic = {};   // one for all; empty: the preset's
    };
    TopicNames() : TopicNames(Options()) {}
    explicit TopicNames(Options options);

    [[nodiscard]] std::string topic_of(std::string_view event_type) const;
    [[nodiscard]] std::string dead_letter_topic_of(std::string_view topic) const;
    /// The topics of these types, each once, in order.
    [[nodiscard]] std::vector<std::string> topics_of(const std::vector<std::string>& types) const;

private:
    Options options_;
};

}  // namespace florin::kafka
