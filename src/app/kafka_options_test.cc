#include "app/kafka_options.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "app/load_settings.h"
#include "app/settings.h"

namespace florin::app {
namespace {

/// A folder of its own that disappears with the test.
class KafkaOptionsTest : public ::testing::Test {
protected:
    KafkaOptionsTest() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "florin-kafka-options-XXXXXX").string();
        inputs_.folder = mkdtemp(pattern.data());
    }
    ~KafkaOptionsTest() override { std::filesystem::remove_all(inputs_.folder); }

    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(inputs_.folder / name) << text;
        return (inputs_.folder / name).string();
    }
    std::string complaint() {
        const auto loaded = load_settings(inputs_);
        if (loaded) return {};
        EXPECT_EQ(loaded.error().size(), 1U) << ::testing::PrintToString(loaded.error());
        return loaded.error().front();
    }
    Settings settings() {
        auto loaded = load_settings(inputs_);
        EXPECT_TRUE(loaded) << ::testing::PrintToString(loaded.error());
        return loaded ? loaded->values : Settings();
    }

    SettingInputs inputs_;
};

TEST_F(KafkaOptionsTest, TopicsComeFromTheFileBeforeThePreset) {
    inputs_.environment["KAFKA_TOPIC_PRESET"] = "commerce";
    inputs_.environment["KAFKA_TOPICS_FILE"] =
        write("topics", "# ours\npayment.captured = shop.paid\n");
    const auto names = kafka_topic_names(settings());
    EXPECT_EQ(names.topic_of("payment.captured"), "shop.paid");
    EXPECT_EQ(names.topic_of("payment.refunded"), "koosco.commerce.payment.refunded");
}

TEST_F(KafkaOptionsTest, PropertiesPassThrough) {
    inputs_.environment["KAFKA_BOOTSTRAP_SERVERS"] = "broker:9093";
    inputs_.environment["KAFKA_PROPERTIES_FILE"] =
        write("properties", "# TLS\nsecurity.protocol = ssl\n\nssl.key.password=a=b\n");
    const auto options = kafka_client_options(settings());
    EXPECT_EQ(options.bootstrap_servers, "broker:9093");
    EXPECT_EQ(options.properties, (std::vector<kafka::Property>{{"security.protocol", "ssl"},
                                                                {"ssl.key.password", "a=b"}}));
}

TEST_F(KafkaOptionsTest, AFileThatCannotBeReadIsNamed) {
    inputs_.environment["KAFKA_TOPICS_FILE"] = "/nowhere/topics";
    EXPECT_EQ(complaint(), "KAFKA_TOPICS_FILE: /nowhere/topics: it cannot be read");
}

TEST_F(KafkaOptionsTest, AWrongLineIsNamedWithoutItsValue) {
    const auto file = write("properties", "security.protocol=ssl\n=secret\n");
    inputs_.environment["KAFKA_PROPERTIES_FILE"] = file;
    EXPECT_EQ(complaint(), "KAFKA_PROPERTIES_FILE: " + file + ": line 2 is no \"name = value\"");
}

TEST_F(KafkaOptionsTest, WhatDeliveryRestsOnCannotBeSet) {
    inputs_.environment["KAFKA_PROPERTIES_FILE"] = write("properties", "acks=1\n");
    EXPECT_NE(complaint().find("line 1: \"acks\" is set by Florin"), std::string::npos);
}

TEST_F(KafkaOptionsTest, APropertyThatNobodyKnowsIsRefusedAtTheStart) {
    inputs_.environment["KAFKA_BOOTSTRAP_SERVERS"] = "broker:9092";
    inputs_.environment["KAFKA_PROPERTIES_FILE"] = write("properties", "no.such.property=1\n");
    EXPECT_NE(complaint().find("no.such.property"), std::string::npos);
}

TEST_F(KafkaOptionsTest, SecurityAndPropertiesByCommasPassThroughToo) {
    inputs_.environment["KAFKA_BOOTSTRAP_SERVERS"] = "broker:9093";
    inputs_.environment["KAFKA_SECURITY_PROTOCOL"] = "sasl_plaintext";
    inputs_.environment["KAFKA_SASL_MECHANISM"] = "SCRAM-SHA-512";
    inputs_.environment["KAFKA_SASL_USERNAME"] = "florin";
    inputs_.environment["KAFKA_SASL_PASSWORD"] = "a,b=c";
    inputs_.environment["KAFKA_PROPERTIES"] = "linger.ms=2, client.rack=eu-1";
    EXPECT_EQ(kafka_client_options(settings()).properties,
              (std::vector<kafka::Property>{{"security.protocol", "sasl_plaintext"},
                                            {"sasl.mechanism", "SCRAM-SHA-512"},
                                            {"sasl.username", "florin"},
                                            {"sasl.password", "a,b=c"},
                                            {"linger.ms", "2"},
                                            {"client.rack", "eu-1"}}));
}

TEST_F(KafkaOptionsTest, ANonsensicalProtectionIsRefusedAtTheStart) {
    inputs_.environment["KAFKA_BOOTSTRAP_SERVERS"] = "broker:9093";
    inputs_.environment["KAFKA_SECURITY_PROTOCOL"] = "hunter2";
    const auto text = complaint();
    EXPECT_NE(text.find("security.protocol"), std::string::npos);
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

TEST_F(KafkaOptionsTest, DeadLettersGoWhereTheyAreTold) {
    inputs_.environment["KAFKA_DLQ_SUFFIX"] = ".dead";
    EXPECT_EQ(kafka_topic_names(settings()).dead_letter_topic_of("a"), "a.dead");
    inputs_.environment["PAYMENT_DLQ_TOPIC"] = "graveyard";
    EXPECT_EQ(kafka_topic_names(settings()).dead_letter_topic_of("a"), "graveyard");
    inputs_.environment["PAYMENT_DLQ_TOPIC"] = "not a topic";
    EXPECT_NE(complaint().find("KAFKA_DLQ_TOPIC: \"not a topic\" has other"), std::string::npos);
}

TEST_F(KafkaOptionsTest, GroupsThatAreToReadKafkaNeedOne) {
    inputs_.environment["EVENT_LOG"] = "kafka";
    EXPECT_NE(complaint().find("KAFKA_BOOTSTRAP_SERVERS names no broker"), std::string::npos);
}

TEST_F(KafkaOptionsTest, DebeziumNeedsMariaDb) {
    inputs_.environment["OUTBOX_RELAY"] = "debezium";
    EXPECT_NE(complaint().find("give DB_URL, or OUTBOX_RELAY=florin"), std::string::npos);
    inputs_.environment["DB_URL"] = "mariadb://florin:secret@localhost/florin";
    EXPECT_EQ(settings().kafka.relay, OutboxRelay::Debezium);
}

}  // namespace
}  // namespace florin::app
