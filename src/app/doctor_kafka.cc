#include "app/doctor_kafka.h"

#include <fmt/format.h>

#include "app/kafka_options.h"
#include "app/kafka_topics.h"
#include "app/settings.h"
#include "platform/kafka/topic_admin.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

std::string names_of(const std::vector<kafka::MissingTopic>& topics) {
    std::string names;
    for (const auto& topic : topics) names += (names.empty() ? "" : ", ") + topic.name;
    return names;
}

}  // namespace

std::vector<Finding> judge_kafka(const Settings& settings) {
    if (settings.kafka.bootstrap_servers.empty()) return {};
    kafka::TopicAdminOptions options;
    options.create = false;
    options.patience = Milliseconds(3'000);
    const auto report =
        kafka::ensure_topics(kafka_client_options(settings),
                             kafka_topic_names(settings).topics_of(event_types()), options);
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
             "create them, or set KAFKA_CREATE_TOPICS=true; until then events of them, and all "
             "behind those, wait in the database"}};
}

}  // namespace florin::app
