#include "app/kafka_topics.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/kafka_options.h"
#include "app/settings.h"
#include "platform/kafka/topic_admin.h"
#include "platform/limits/backoff.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace florin::app {
namespace {

// An attempt cannot be cut short, and a stop waits for it.
constexpr Milliseconds patience{3'000};
constexpr limits::BackoffPolicy backoff_policy{Milliseconds(200), Milliseconds(5'000)};

void tell(const kafka::TopicReport& report, bool create) {
    for (const auto& name : report.created)
        telemetry::info("A topic was created in Kafka", {{"topic", name}});
    for (const auto& [name, reason] : report.missing) {
        telemetry::warning(
            "Kafka has no such topic; events of it wait until there is one",
            {{"topic", name},
             {"reason", create ? reason : "KAFKA_CREATE_TOPICS is false: create it yourself"}});
    }
}

awaitable<void> rest(Milliseconds time, const std::atomic<bool>& stopping) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (!stopping && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(20));
}

}  // namespace

const std::vector<std::string>& event_types() {
    static const std::vector<std::string> types = {
        "payment.authorization-failed",
        "payment.authorized",
        "payment.cancelled",
        "payment.capture-failed",
        "payment.capture-requested",
        "payment.captured",
        "payment.completed",
        "payment.expired",
        "payment.failed",
        "payment.refund-failed",
        "payment.refund-requested",
        "payment.refunded",
        "payment.void-failed",
        "payment.voided",
    };
    return types;
}

std::vector<std::string> with_dead_letter_topics(const kafka::TopicNames& names,
                                                 const std::vector<std::string>& types) {
    auto all = names.topics_of(types);
    const auto read = all;
    for (const auto& topic : read) {
        auto dead = names.dead_letter_topic_of(topic);
        if (std::ranges::find(all, dead) == all.end()) all.push_back(std::move(dead));
    }
    return all;
}

awaitable<void> ensure_kafka_topics(const Settings& settings, std::vector<std::string> topics,
                                    const std::atomic<bool>& stopping, TopicsTrouble& trouble,
                                    kafka::TopicAsking& asking) {
    kafka::TopicAdminOptions options;
    options.create = settings.kafka.create_topics;
    options.partitions = static_cast<int>(settings.kafka.partitions);
    if (settings.kafka.replication != 0)
        options.replication = static_cast<int>(settings.kafka.replication);
    options.patience = patience;
    Random random(1);
    for (int failures = 1; !stopping; ++failures) {
        const auto report = co_await asking.ensure(kafka_client_options(settings), topics, options);
        trouble.set(report.trouble);
        if (report.trouble.empty()) {
            tell(report, options.create);
            co_return;
        }
        telemetry::warning(
            "Kafka does not say which topics it has",
            {{"servers", settings.kafka.bootstrap_servers}, {"reason", report.trouble}});
        co_await rest(limits::backoff(backoff_policy, failures, random), stopping);
    }
}

}  // namespace florin::app
