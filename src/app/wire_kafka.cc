#include "app/wire_kafka.h"

#include <algorithm>
#include <atomic>

#include "app/kafka_options.h"
#include "app/kafka_topics.h"
#include "app/load_settings.h"
#include "app/settings.h"
#include "platform/broker/consumer_group.h"
#include "platform/broker/relay_group.h"
#include "platform/kafka/event_relay.h"
#include "platform/kafka/outbox_table.h"
#include "platform/kafka/producer.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace florin::app {
namespace {

// How long a stop waits for a page that Kafka has not taken yet.
constexpr Milliseconds stop_patience{2'000};

Milliseconds left_until(std::chrono::steady_clock::time_point until) {
    const auto left = until - std::chrono::steady_clock::now();
    return std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(left));
}

// A page is on its way before the next one is read.
constexpr std::size_t page_messages_max = 2'000;

// Both ways begin with all that is in the log: another process may have filled it before this one.
broker::ConsumerOptions group_options(leases::Leases& leases) {
    broker::ConsumerOptions options;
    options.batch_messages_max = page_messages_max;
    options.look_interval = Milliseconds(20);
    // Payments wait for nobody here, but others wait for their events once Kafka is back.
    options.backoff = {Milliseconds(100), Milliseconds(5'000)};
    options.seed = seed_from_system();
    options.leases = &leases;
    return options;
}

}  // namespace

struct KafkaParts::Relay {
    Relay(runtime::Loop& background, store::Store& store, leases::Leases& leases,
          const Clock& clock, const Settings& settings, telemetry::Metrics& metrics)
        : producer(background, kafka_client_options(settings), {}, metrics),
          relay(producer,
                {.topics = kafka_topic_names(settings),
                 .event_id_header = settings.kafka.topic_preset == kafka::TopicPreset::Payments}),
          group(background, store, relay, clock, group_options(leases), metrics),
          relays{{&relay, &background}},
          background_(background),
          settings_(settings) {
        telemetry::info("Events go to Kafka", {{"servers", settings.kafka.bootstrap_servers}});
    }

    void start() {
        beginning_ = true;
        runtime::spawn(background_, "topics", begin());
    }
    awaitable<bool> stop(std::chrono::milliseconds deadline) {
        const auto until = std::chrono::steady_clock::now() + deadline;
        stopping_ = true;
        while (beginning_ && std::chrono::steady_clock::now() < until)
            co_await runtime::sleep_for(Milliseconds(1));
        if (beginning_) co_return false;
        // What Kafka has is written down; what it does not take now is sent again later.
        if (co_await group.stop(std::min(left_until(until), stop_patience))) co_return true;
        producer.close();
        co_return co_await group.stop(left_until(until));
    }

    kafka::Producer producer;
    kafka::EventRelay relay;
    broker::RelayGroup group;
    const std::vector<operations::RelayOnLoop> relays;

    [[nodiscard]] std::string trouble() const {
        auto trouble = topics_trouble_.get();
        return trouble.empty() ? producer.trouble() : trouble;
    }

private:
    // Topics come first: an event that finds none would make the page behind it wait.
    awaitable<void> begin() {
        co_await ensure_kafka_topics(settings_,
                                     kafka_topic_names(settings_).topics_of(event_types()),
                                     stopping_, topics_trouble_, asking_);
        if (!stopping_) group.start();
        beginning_ = false;
    }

    runtime::Loop& background_;
    const Settings& settings_;
    TopicsTrouble topics_trouble_;
    kafka::TopicAsking asking_;
    bool beginning_ = false;
    std::atomic<bool> stopping_{false};
};

struct KafkaParts::Table {
    Table(runtime::Loop& background, store::Store& store, leases::Leases& leases,
          const Clock& clock, const Settings& settings, telemetry::Metrics& metrics)
        : table(kafka_topic_names(settings)),
          group(background, store, table, clock, group_options(leases), metrics),
          consumers{&table} {
        telemetry::info("Events go to the table payment_outbox, for Debezium");
    }

    kafka::OutboxTable table;
    broker::ConsumerGroup group;
    const std::vector<broker::Consumer*> consumers;
};

KafkaParts::KafkaParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                       const Clock& clock, const Settings& settings, telemetry::Metrics& metrics) {
    if (settings.kafka.relay == OutboxRelay::Debezium) {
        table_ = std::make_unique<Table>(background, store, leases, clock, settings, metrics);
    } else if (!settings.kafka.bootstrap_servers.empty()) {
        relay_ = std::make_unique<Relay>(background, store, leases, clock, settings, metrics);
    }
}

KafkaParts::~KafkaParts() = default;

void KafkaParts::start() {
    if (relay_) relay_->start();
    if (table_) table_->group.start();
}

awaitable<void> KafkaParts::stop(std::chrono::milliseconds deadline) {
    if (table_ && !co_await table_->group.stop(deadline))
        telemetry::warning("The database has not answered in time; events are filed later");
    if (relay_ && !co_await relay_->stop(deadline))
        telemetry::warning("Kafka has not answered in time; its events are sent again");
}

std::vector<std::string> KafkaParts::consumer_groups() const {
    if (!relay_ && !table_) return {};
    return {std::string(kafka::EventRelay::group_name)};
}

std::span<const operations::RelayOnLoop> KafkaParts::relays() const {
    if (!relay_) return {};
    return relay_->relays;
}

std::span<broker::Consumer* const> KafkaParts::consumers() const {
    if (!table_) return {};
    return table_->consumers;
}

bool KafkaParts::connects() const {
    return relay_ != nullptr;
}

std::string KafkaParts::trouble() const {
    return relay_ ? relay_->trouble() : std::string();
}

}  // namespace florin::app
