#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/base/random.h"
#include "platform/broker/consumer.h"
#include "platform/broker/consumer_options.h"
#include "platform/broker/group_metrics.h"
#include "platform/broker/group_runner.h"
#include "platform/kafka/group_client.h"
#include "platform/kafka/incoming_record.h"
#include "platform/kafka/message_batch.h"
#include "platform/kafka/producer.h"
#include "platform/kafka/topic_names.h"

namespace florin::store {
class Store;
}

namespace florin::kafka {

struct TopicGroupOptions {
    broker::ConsumerOptions consumer;
    std::string group_prefix;  // of the group's name in Kafka
    TopicNames topics;
    bool dead_letter_envelope = false;  // the value of a dead letter tells why, as JSON
};

/// Runs one consumer over topics of Kafka, as `broker::ConsumerGroup` does over the own log: batch
/// by batch, each effect in one transaction with the note that its message was handled, then the
/// offsets. So every message has its effect exactly once, whoever dies and whatever Kafka delivers
/// again. A message that is thrown at holds up its partition alone. What cannot be handled goes to
/// the dead letter topic and, then, with the other dead letters of the store; no offset passes it
/// before. Any number of members may run. Lives on one loop; it outlives the loop's run, or `stop`
/// has returned true before it dies.
class TopicGroup {
public:
    /// All references outlive this object; `consumer` is used on the writer. Begins to read, and
    /// throws `ConfigurationFault`, in `start` or the first `step`.
    TopicGroup(runtime::Loop& loop, store::Store& store, broker::Consumer& consumer,
               Producer& dead_letters, const Clock& clock, ClientOptions client,
               TopicGroupOptions options, telemetry::Metrics& metrics);
    ~TopicGroup();

    /// Begins to run. Call it once.
    void start() { runner_.start(); }
    /// Ends the batch under way, commits it and leaves the group; false when that takes longer than
    /// `deadline`. On the loop.
    awaitable<bool> stop(Milliseconds deadline);

    using Step = broker::GroupRunner::Step;
    /// One batch. For `run`, and for tests that go step by step. Does not throw.
    awaitable<Step> step();

    /// Why nothing can be read at present; empty when nothing is known against it. Thread-safe.
    [[nodiscard]] std::string trouble() const;
    /// Partitions that this member reads. On the loop.
    [[nodiscard]] std::size_t partitions() const { return partitions_.size(); }

private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    struct Arrived {
        IncomingRecord record;
        IncomingMessage message;
    };
    struct Dead {
        IncomingRecord record;
        FailedMessage failed;
    };
    struct Partition {
        std::deque<Arrived> waiting;  // in order; what is not settled
        std::vector<Dead> dead;       // on their way to the dead letters; no offset passes them
        std::int64_t next = -1;       // the offset behind what has arrived; -1: nothing has
        std::int64_t committed = -1;
        std::int64_t suspect = -1;  // the offset of what was thrown at; -1: nothing was
        int attempts = 0;           // at the suspect
        std::string fault;          // of the last of them
        int failed_burials = 0;     // in a row
        SteadyTime rests_until;
        bool leaving = false;

        /// How many messages may be handled together before the suspect.
        [[nodiscard]] std::size_t before_suspect() const;
        [[nodiscard]] bool suspect_is_next() const;
        /// What may be committed; -1: nothing yet.
        [[nodiscard]] std::int64_t offset() const;
        /// The first record that has come and is not settled; null for none.
        [[nodiscard]] const IncomingRecord* first_open() const;
    };
    /// A part of a batch.
    struct Chosen {
        TopicPartition from;
        std::size_t messages = 0;
    };

    awaitable<Step> round();
    awaitable<void> open();
    void follow(const GroupClient::Changes& changes);
    void settle_offsets();
    void give_back();
    void fill();
    [[nodiscard]] std::vector<Chosen> choose() const;
    awaitable<void> handle(std::vector<Chosen> chosen);
    void settle(const std::vector<Chosen>& chosen, std::vector<Settled> results);
    void settle_next(Partition& partition, Settled result);
    void blame(const std::vector<Chosen>& chosen, std::size_t place, const std::string& fault);
    awaitable<void> bury_all();
    awaitable<void> bury(const std::vector<Partition*>& concerned,
                         const std::vector<Delivery>& deliveries, Instant now);
    void keep_unburied(Partition& partition, std::span<const Delivery> deliveries);
    [[nodiscard]] Offsets uncommitted() const;
    [[nodiscard]] bool committed_all();
    void note_failed_commits();
    void commit();
    awaitable<void> commit_all(SteadyTime until);
    awaitable<void> measure();
    void tell_lag();
    void rest(Partition& partition, int failures);
    void report(const broker::Message& message, const broker::Handled& handled, const char* what);

    store::Store& store_;
    broker::Consumer& consumer_;
    Producer& dead_letter_producer_;
    const Clock& clock_;
    const ClientOptions client_options_;
    const TopicGroupOptions options_;
    const std::string group_;
    const TypesOfTopics types_;
    Random random_;
    broker::GroupRunner runner_;
    std::unique_ptr<GroupClient> client_;  // none before the first step and after the last
    std::map<TopicPartition, Partition> partitions_;
    std::optional<Instant> handled_before_;  // known once there is a client
    SteadyTime patient_until_;               // with commits of what is to be given back
    SteadyTime commits_rest_until_;
    bool pulled_ = false;  // there may be more to pull

    mutable std::mutex trouble_mutex_;  // readiness asks from another thread
    std::string trouble_;

    broker::GroupMetrics metrics_;
    broker::DeadLetterGauge dead_letters_;
    telemetry::Counter done_;
    telemetry::Counter again_;
    telemetry::Counter refused_;
    telemetry::Counter poison_;
    telemetry::Counter faults_;
    telemetry::Gauge assigned_;
    telemetry::Counter rebalances_;
    telemetry::Counter failed_commits_;
    std::uint64_t rebalances_told_ = 0;
    std::uint64_t failed_commits_told_ = 0;
};

}  // namespace florin::kafka
