#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "platform/broker/consumer_test_world.h"
#include "platform/broker/relay_group.h"
#include "platform/kafka/event_relay.h"
#include "platform/kafka/mock_cluster.h"
#include "platform/kafka/topic_group.h"

namespace florin::kafka {

/// A store, a pretended cluster with the topics of `broker::ScriptedConsumer`, and one loop.
class TopicWorld : public broker::ConsumerWorld {
public:
    static constexpr int partitions = 3;

    TopicWorld() {
        for (const char* topic : {"payment.captured", "payment.refunded", "payment.captured.dlq",
                                  "payment.refunded.dlq"})
            cluster.create_topic(topic, partitions);
        producer = std::make_unique<Producer>(*loop, cluster.client(), ProducerOptions(), *metrics);
    }

    std::unique_ptr<TopicGroup> member(broker::Consumer& consumer,
                                       broker::ConsumerOptions options = quick()) {
        auto client = cluster.client();
        client.properties.insert(client.properties.end(), {{"session.timeout.ms", "3000"},
                                                           {"heartbeat.interval.ms", "100"},
                                                           {"fetch.wait.max.ms", "10"}});
        return std::make_unique<TopicGroup>(*loop, *store, consumer, *producer, clock, client,
                                            TopicGroupOptions{.consumer = options,
                                                              .group_prefix = "test.",
                                                              .topics = {},
                                                              .dead_letter_envelope = false},
                                            *metrics);
    }

    /// Sends what stands in the log to Kafka.
    void carry() {
        EventRelay relay(*producer, {});
        broker::RelayGroup group(*loop, *store, relay, clock, quick(), *metrics);
        while (get(group.step()) != broker::RelayGroup::Step::AtEnd) {
        }
    }
    /// Steps the members until the condition holds; false when it does not within a minute.
    bool until(const std::vector<TopicGroup*>& members, const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(60);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            for (TopicGroup* one : members) get(one->step());
            run(runtime::sleep_for(Milliseconds(1)));
        }
        return true;
    }
    bool until(TopicGroup& one, const std::function<bool()>& condition) {
        return until(std::vector<TopicGroup*>{&one}, condition);
    }
    /// The keys of all effects, in the order in which they were made.
    std::vector<std::string> keys() {
        std::vector<std::string> all;
        for (const auto& [position, key] : effects()) all.push_back(key);
        return all;
    }
    /// The offsets that the group has committed, of all partitions of a topic together.
    std::int64_t committed(const std::string& topic) {
        std::int64_t sum = 0;
        for (int i = 0; i < partitions; ++i)
            sum += std::max<std::int64_t>(cluster.committed("test.ledger", topic, i), 0);
        return sum;
    }

    MockCluster cluster;
    std::unique_ptr<Producer> producer;
};

}  // namespace florin::kafka
