#include "app/doctor_kafka.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "app/kafka_options.h"
#include "app/kafka_topics.h"
#include "app/settings.h"
#include "platform/kafka/topic_admin.h"
#include "settlement/daily_sales.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

std::string names_of(const std::vector<kafka::MissingTopic>& topics) {
    std::string names;
    for (const auto& topic : topics) names += (names.empty() ? "" : ", ") + topic.name;
    return names;
}

/// The topics that events go to and, where groups read them, those that their dead letters go to.
std::vector<std::string> topics_wanted(const Settings& settings) {
    const auto names = kafka_topic_names(settings);
    auto topics = names.topics_of(event_types());
    if (settings.kafka.event_log != EventLog::Kafka) return topics;
    const settlement::DailySalesConsumer reader(
        settlement::BusinessCalendar(settings.settlement.utc_offset, settings.settlement.at));
    for (auto& topic : with_dead_letter_topics(names, reader.topics())) {
        if (std::ranges::find(topics, topic) == topics.end()) topics.push_back(std::move(topic));
    }
    return topics;
}

}  // namespace

std::vector<Finding> judge_kafka(const Settings& settings) {
    if (settings.kafka.bootstrap_servers.empty()) return {};
    kafka::TopicAdminOptions options;
    options.create = false;
    options.patience = Milliseconds(3'000);
    const auto report =
        kafka::ensure_topics(kafka_client_options(settings), topics_wanted(settings), options);
    const std::string what = "Kafka at " + settings.kafka.bootstrap_servers;
    if (!report.trouble.empty()) {
        return {{Verdict::Warning, fmt::format("{}: {}", what, report.trouble),
                 "check KAFKA_BOOTSTRAP_SERVERS, the brokers and the security settings; until then "
                 "events wait in the database"}};
    }
    if (report.missing.empty())
        return {{Verdict::Fine, what + " answers and has the topics of all events", ""}};
    if (settings.kafka.create_topics) {
        return {{Verdict::Fine,
                 fmt::format("{} answers; {} topics are created at the next start", what,
                             report.missing.size()),
                 ""}};
    }
    return {{Verdict::Warning, fmt::format("{} has no topics {}", what, names_of(report.missing)),
             "create them, or set KAFKA_CREATE_TOPICS=true; until then what is to go there, and "
             "all behind it, waits"}};
}

}  // namespace florin::app
