#include "app/kafka_settings.h"

#include "app/setting_values.h"

namespace florin::app {
namespace {

#define FLORIN_KAFKA(member) ([](auto& s) -> auto& { return s.kafka.member; })

const char* const group = "Kafka";

void add_topic_settings(std::vector<Setting>& table) {
    table.push_back(choice({"KAFKA_TOPICS", group, "Whose names topics have"},
                           FLORIN_KAFKA(topic_preset),
                           {{"florin", kafka::TopicPreset::Florin},
                            {"payments", kafka::TopicPreset::Payments},
                            {"commerce", kafka::TopicPreset::Commerce}}));
    table.back().aliases = {"KAFKA_TOPIC_PRESET"};
    table.push_back(text({"KAFKA_TOPICS_FILE", group,
                          "Lines of \"event type = topic\", before those names; * is every other "
                          "type"},
                         FLORIN_KAFKA(topics_file)));
    table.push_back(yes_or_no({"KAFKA_CREATE_TOPICS", group, "Create topics that are missing"},
                              FLORIN_KAFKA(create_topics)));
    table.push_back(whole_number({"KAFKA_PARTITIONS", group, "Partitions of a topic it creates"},
                                 FLORIN_KAFKA(partitions), 1, 10'000));
    table.push_back(whole_number({"KAFKA_REPLICATION_FACTOR", group,
                                  "Copies of a topic it creates; 0: as many as the brokers make"},
                                 FLORIN_KAFKA(replication), 0, 1'000));
    table.push_back(text(
        {"KAFKA_DLQ_SUFFIX", group, "Of topics for dead letters (default: .dlq; -dlt of commerce)"},
        FLORIN_KAFKA(dead_letter_suffix)));
    table.push_back(text({"KAFKA_DLQ_TOPIC", group,
                          "One topic for all dead letters (default: payment.dlq of payments)"},
                         FLORIN_KAFKA(dead_letter_topic)));
    table.back().aliases = {"PAYMENT_DLQ_TOPIC"};
}

void add_consumer_settings(std::vector<Setting>& table) {
    table.push_back(choice({"EVENT_LOG", group, "Where consumer groups such as daily sales read"},
                           FLORIN_KAFKA(event_log),
                           {{"local", EventLog::Local}, {"kafka", EventLog::Kafka}}));
    table.push_back(text({"KAFKA_GROUP_PREFIX", group, "Before the names of groups in Kafka"},
                         FLORIN_KAFKA(group_prefix)));
    table.push_back(whole_number({"KAFKA_HANDLED_HOURS", group,
                                  "How long it is remembered which messages were handled: longer "
                                  "than topics keep them"},
                                 FLORIN_KAFKA(handled_kept), 1, 87'600));
}

void add_security_settings(std::vector<Setting>& table) {
    const auto add = [&](const char* name, const char* help, auto member) -> Setting& {
        table.push_back(text({name, group, help}, member));
        return table.back();
    };
    add("KAFKA_SECURITY_PROTOCOL", "plaintext, ssl, sasl_plaintext or sasl_ssl",
        FLORIN_KAFKA(security_protocol));
    add("KAFKA_SASL_MECHANISM", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, …",
        FLORIN_KAFKA(sasl_mechanism));
    add("KAFKA_SASL_USERNAME", "Of SASL", FLORIN_KAFKA(sasl_username));
    add("KAFKA_SASL_PASSWORD", "Of SASL", FLORIN_KAFKA(sasl_password)).secret = true;
    add("KAFKA_SSL_CA_LOCATION", "PEM file of the roots that brokers are trusted by",
        FLORIN_KAFKA(ssl_ca_location));
    add("KAFKA_SSL_CERTIFICATE_LOCATION", "PEM file of this client's certificate",
        FLORIN_KAFKA(ssl_certificate_location));
    add("KAFKA_SSL_KEY_LOCATION", "PEM file of its key", FLORIN_KAFKA(ssl_key_location));
    add("KAFKA_SSL_KEY_PASSWORD", "Of that file", FLORIN_KAFKA(ssl_key_password)).secret = true;
    add("KAFKA_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM",
        "https: a broker's certificate names it (default); none: any name will do",
        FLORIN_KAFKA(ssl_endpoint_identification_algorithm));
    add("KAFKA_PROPERTIES", "More for librdkafka: name=value, by commas", FLORIN_KAFKA(properties))
        .secret = true;
    table.push_back(text({"KAFKA_PROPERTIES_FILE", group,
                          "The same as lines of \"name = value\", for values with commas"},
                         FLORIN_KAFKA(properties_file)));
}

}  // namespace

void add_kafka_settings(std::vector<Setting>& table) {
    table.push_back(text({"KAFKA_BOOTSTRAP_SERVERS", group,
                          "host:port of brokers, by commas: events go to their topics; empty: "
                          "they stay in the local log"},
                         FLORIN_KAFKA(bootstrap_servers)));
    table.back().aliases = {"SPRING_KAFKA_BOOTSTRAP_SERVERS"};
    table.push_back(choice(
        {"OUTBOX_RELAY", group,
         "Who carries events to Kafka; debezium: events are filed in the table payment_outbox"},
        FLORIN_KAFKA(relay),
        {{"florin", OutboxRelay::Florin}, {"debezium", OutboxRelay::Debezium}}));
    add_topic_settings(table);
    add_consumer_settings(table);
    table.push_back(text({"KAFKA_CLIENT_ID", group, "Name by which brokers know this instance"},
                         FLORIN_KAFKA(client_id)));
    add_security_settings(table);
}

}  // namespace florin::app
