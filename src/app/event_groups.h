#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "platform/runtime/awaitable.h"
#include "platform/store/pruning.h"

namespace florin {
class Clock;
}
namespace florin::broker {
class Consumer;
struct ConsumerOptions;
}  // namespace florin::broker
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

/// A consumer group of this process, wherever its log is. On the background loop.
class EventGroup {
public:
    virtual ~EventGroup() = default;
    /// Begins to run. Call it once.
    virtual void start() = 0;
    /// There may be new events in the own log. Thread-safe.
    virtual void wake() = 0;
    virtual awaitable<bool> stop(std::chrono::milliseconds deadline) = 0;
};

/// Makes the consumer groups of this process: over the own log, or, with EVENT_LOG=kafka, over the
/// topics that the relay or Debezium fills. A group that changes from one to the other handles
/// nothing twice.
class EventGroups {
public:
    /// The arguments outlive this object.
    EventGroups(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                const Clock& clock, const Settings& settings, telemetry::Metrics& metrics);
    ~EventGroups();

    /// Both the consumer and this object outlive the group.
    std::unique_ptr<EventGroup> make(broker::Consumer& consumer, broker::ConsumerOptions options);
    /// Groups read Kafka: the own log needs to keep nothing for them.
    [[nodiscard]] bool over_kafka() const;
    /// Why a group cannot read Kafka at present; empty when nothing is known against it.
    /// Thread-safe while the groups live.
    [[nodiscard]] std::string trouble() const;
    /// What they delete.
    [[nodiscard]] std::vector<store::PruneRule> prune_rules() const;

private:
    struct Shared;
    struct Kafka;
    class OwnGroup;
    class KafkaGroup;

    std::unique_ptr<Shared> shared_;
    std::unique_ptr<Kafka> kafka_;  // none: the own log
};

}  // namespace florin::app
