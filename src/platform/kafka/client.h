#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/faults.h"

namespace florin::kafka {

/// A name and a value of librdkafka's configuration: {"sasl.username", "florin"}.
using Property = std::pair<std::string, std::string>;

/// How to reach a Kafka cluster.
struct ClientOptions {
    std::string bootstrap_servers;  // "broker-1:9092,broker-2:9092"
    std::string client_id = "florin";
    std::vector<Property> properties;  // security and what else an operator wants; may be secret
};

/// A configuration that no client can be made of. The message names the property and never its
/// value.
class ConfigurationFault : public Unavailable {
public:
    using Unavailable::Unavailable;
};

/// Why an operator may not set this property: what delivery rests on is Florin's, and what would
/// run programs or load libraries is nobody's. Nothing when it is allowed.
std::optional<std::string> refuse_property(std::string_view name);

/// What is wrong with the options, for people, without the values; empty when a client can be made
/// of them. Asks nobody.
std::string complaint_about(const ClientOptions& options);

}  // namespace florin::kafka
