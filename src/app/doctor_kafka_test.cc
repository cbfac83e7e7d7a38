#include "app/doctor_kafka.h"

#include <gtest/gtest.h>

#include "app/kafka_topics.h"
#include "app/settings.h"
#include "platform/kafka/mock_cluster.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

class DoctorKafkaTest : public ::testing::Test {
protected:
    DoctorKafkaTest() {
        settings.kafka.bootstrap_servers = cluster.client().bootstrap_servers;
        settings.kafka.create_topics = false;
        for (const auto& type : event_types()) cluster.create_topic(type);
    }
    Finding finding() { return judge_kafka(settings).front(); }

    kafka::MockCluster cluster;
    Settings settings;
};

TEST_F(DoctorKafkaTest, TopicsOfDeadLettersAreWantedWhereGroupsReadKafka) {
    EXPECT_EQ(finding().verdict, Verdict::Fine) << finding().text;
    settings.kafka.event_log = EventLog::Kafka;
    EXPECT_EQ(finding().verdict, Verdict::Warning);
    EXPECT_NE(finding().text.find("has no topics payment.captured.dlq"), std::string::npos)
        << finding().text;
    settings.kafka.dead_letter_topic = "graveyard";
    cluster.create_topic("graveyard");
    EXPECT_EQ(finding().verdict, Verdict::Fine) << finding().text;
}

}  // namespace
}  // namespace florin::app
