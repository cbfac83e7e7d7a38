#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "operations/dead_letter_api.h"
#include "platform/runtime/awaitable.h"

namespace florin {
class Clock;
}
namespace florin::leases {
class Leases;
}
namespace florin::runtime {
class Loop;
}
namespace florin::store {
class Store;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

struct Settings;

/// Events on their way to Kafka, wired: by Florin's relay with KAFKA_BOOTSTRAP_SERVERS, through the
/// table that Debezium reads with OUTBOX_RELAY=debezium, and else not at all.
class KafkaParts {
public:
    /// The arguments outlive the parts.
    KafkaParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
               const Clock& clock, const Settings& settings, telemetry::Metrics& metrics);
    ~KafkaParts();

    void start();
    /// On the background loop.
    awaitable<void> stop(std::chrono::milliseconds deadline);
    /// The consumer groups that must have come past an event before it is deleted.
    [[nodiscard]] std::vector<std::string> consumer_groups() const;
    /// What can be given a dead letter again; lives as long as this object.
    [[nodiscard]] std::span<const operations::RelayOnLoop> relays() const;
    [[nodiscard]] std::span<broker::Consumer* const> consumers() const;
    /// Whether this process talks to Kafka itself.
    [[nodiscard]] bool connects() const;
    /// Why Kafka takes nothing at present; empty when it does as far as is known. Thread-safe.
    [[nodiscard]] std::string trouble() const;

private:
    struct Relay;
    struct Table;
    std::unique_ptr<Relay> relay_;
    std::unique_ptr<Table> table_;
};

}  // namespace florin::app
