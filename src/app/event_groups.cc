#include "app/event_groups.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "app/kafka_options.h"
#include "app/kafka_topics.h"
#include "app/settings.h"
#include "platform/broker/consumer_group.h"
#include "platform/kafka/handled_events.h"
#include "platform/kafka/once_consumer.h"
#include "platform/kafka/producer.h"
#include "platform/kafka/topic_group.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::app {
namespace {

constexpr Milliseconds begin_again_after{500};
constexpr int adopt_events_max = 2'000;  // in one command

// A group of Kafka answers the other members between two looks.
constexpr Microseconds kafka_look_interval = Milliseconds(100);
constexpr limits::BackoffPolicy kafka_backoff{Milliseconds(100), Milliseconds(5'000)};

Milliseconds left_until(std::chrono::steady_clock::time_point until) {
    const auto left = until - std::chrono::steady_clock::now();
    return std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(left));
}

}  // namespace

struct EventGroups::Shared {
    runtime::Loop& background;
    store::Store& store;
    leases::Leases& leases;
    const Clock& clock;
    const Settings& settings;
    telemetry::Metrics& metrics;
};

struct EventGroups::Kafka {
    explicit Kafka(const Shared& shared)
        : client(kafka_client_options(shared.settings)),
          names(kafka_topic_names(shared.settings)),
          dead_letters(shared.background, client, {}, shared.metrics) {}

    const kafka::ClientOptions client;
    const kafka::TopicNames names;
    kafka::Producer dead_letters;
    std::vector<const KafkaGroup*> groups;  // complete before anybody asks for their trouble
};

class EventGroups::OwnGroup final : public EventGroup {
public:
    OwnGroup(const Shared& shared, broker::Consumer& consumer, broker::ConsumerOptions options)
        : once_(consumer, shared.clock),
          group_(shared.background, shared.store, once_, shared.clock, with_leases(options, shared),
                 shared.metrics) {}

    void start() override { group_.start(); }
    void wake() override { group_.wake(); }
    awaitable<bool> stop(std::chrono::milliseconds deadline) override {
        return group_.stop(deadline);
    }

private:
    static broker::ConsumerOptions with_leases(broker::ConsumerOptions options,
                                               const Shared& shared) {
        options.leases = &shared.leases;
        return options;
    }

    kafka::OnceConsumer once_;
    broker::ConsumerGroup group_;
};

class EventGroups::KafkaGroup final : public EventGroup {
public:
    KafkaGroup(const Shared& shared, Kafka& kafka, broker::Consumer& consumer,
               const broker::ConsumerOptions& options)
        : shared_(shared),
          kafka_(kafka),
          consumer_(consumer),
          group_(shared.background, shared.store, consumer, kafka.dead_letters, shared.clock,
                 kafka.client, topic_options(options), shared.metrics) {}

    void start() override {
        beginning_ = true;
        runtime::spawn(shared_.background, consumer_.group(), begin());
    }
    void wake() override {}
    awaitable<bool> stop(std::chrono::milliseconds deadline) override {
        const auto until = std::chrono::steady_clock::now() + deadline;
        stopping_ = true;
        kafka_.dead_letters.close();
        while (beginning_ && std::chrono::steady_clock::now() < until)
            co_await runtime::sleep_for(Milliseconds(1));
        co_return !beginning_ && co_await group_.stop(left_until(until));
    }
    [[nodiscard]] std::string trouble() const {
        auto trouble = topics_trouble_.get();
        return trouble.empty() ? group_.trouble() : trouble;
    }

private:
    [[nodiscard]] kafka::TopicGroupOptions topic_options(broker::ConsumerOptions options) const {
        options.look_interval = kafka_look_interval;
        options.backoff = kafka_backoff;
        return {.consumer = options,
                .group_prefix = shared_.settings.kafka.group_prefix,
                .topics = kafka_.names,
                .dead_letter_envelope =
                    shared_.settings.kafka.topic_preset == kafka::TopicPreset::Payments};
    }
    awaitable<void> begin() {
        while (!stopping_ && !co_await begun()) co_await runtime::sleep_for(begin_again_after);
        beginning_ = false;
    }
    awaitable<bool> begun() {
        try {
            co_await adopt();
            co_await ensure_kafka_topics(shared_.settings,
                                         with_dead_letter_topics(kafka_.names, consumer_.topics()),
                                         stopping_, topics_trouble_, asking_);
            if (!stopping_) group_.start();
            co_return true;
        } catch (const std::exception& fault) {
            telemetry::warning("A consumer group cannot begin to read Kafka yet",
                               {{"group", consumer_.group()}, {"reason", fault.what()}});
        }
        co_return false;
    }
    awaitable<void> adopt() {
        for (std::optional<std::int64_t> at = 0; at && !stopping_;) {
            const Instant now = shared_.clock.now();
            at = co_await shared_.store.write([this, at, now](store::Transaction& tx) {
                return kafka::handled_events::adopt(tx, consumer_.group(), *at, adopt_events_max,
                                                    now);
            });
        }
    }

    const Shared shared_;
    Kafka& kafka_;
    broker::Consumer& consumer_;
    kafka::TopicGroup group_;
    TopicsTrouble topics_trouble_;
    kafka::TopicAsking asking_;
    bool beginning_ = false;
    std::atomic<bool> stopping_{false};
};

EventGroups::EventGroups(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                         const Clock& clock, const Settings& settings, telemetry::Metrics& metrics)
    : shared_(new Shared{background, store, leases, clock, settings, metrics}) {
    if (settings.kafka.event_log == EventLog::Kafka) kafka_ = std::make_unique<Kafka>(*shared_);
}

EventGroups::~EventGroups() = default;

std::unique_ptr<EventGroup> EventGroups::make(broker::Consumer& consumer,
                                              broker::ConsumerOptions options) {
    if (!kafka_) return std::make_unique<OwnGroup>(*shared_, consumer, options);
    auto group = std::make_unique<KafkaGroup>(*shared_, *kafka_, consumer, options);
    kafka_->groups.push_back(group.get());
    return group;
}

bool EventGroups::over_kafka() const {
    return kafka_ != nullptr;
}

std::string EventGroups::trouble() const {
    if (!kafka_) return {};
    for (const auto* group : kafka_->groups) {
        if (auto trouble = group->trouble(); !trouble.empty()) return trouble;
    }
    return {};
}

std::vector<store::PruneRule> EventGroups::prune_rules() const {
    const auto keep = shared_->settings.kafka.handled_kept;
    return {[keep](store::Transaction& tx, Instant now, int limit) {
        return kafka::handled_events::prune(tx, now - keep, limit);
    }};
}

}  // namespace florin::app
