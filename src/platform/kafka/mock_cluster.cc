#include "platform/kafka/mock_cluster.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <tuple>
#include <utility>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "platform/base/require.h"
#include "platform/kafka/handles.h"

namespace florin::kafka {
namespace {

// Of the protocol.
constexpr std::int16_t produce_request = 0;
constexpr std::int16_t commit_request = 8;

rd_kafka_resp_err_t error_called(const std::string& name) {
    const rd_kafka_err_desc* descriptions = nullptr;
    std::size_t count = 0;
    rd_kafka_get_err_descs(&descriptions, &count);
    for (std::size_t i = 0; i < count; ++i) {
        if (descriptions[i].name != nullptr && name == descriptions[i].name)
            return descriptions[i].code;
    }
    require(name == "NO_ERROR", "tests name errors that exist");
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

FoundRecord found(const rd_kafka_message_t& message) {
    FoundRecord record;
    record.topic = rd_kafka_topic_name(message.rkt);
    record.partition = message.partition;
    record.offset = message.offset;
    record.key.assign(static_cast<const char*>(message.key), message.key_len);
    record.null_value = message.payload == nullptr;
    record.value.assign(static_cast<const char*>(message.payload), message.len);
    record.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i)
        record.headers.push_back({name, {static_cast<const char*>(value), size}});
    return record;
}

ClientHandle reader(const ClientOptions& client, const char* group) {
    return make_consumer(make_conf(client, {},
                                   {{"group.id", group},
                                    {"enable.auto.commit", "false"},
                                    {"fetch.wait.max.ms", "10"},
                                    {"auto.offset.reset", "earliest"}}));
}

std::vector<int> partitions_of(rd_kafka_t& client, const std::string& topic) {
    const struct rd_kafka_metadata* metadata = nullptr;
    if (rd_kafka_metadata(&client, 1, nullptr, &metadata, 10'000) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return {};
    std::vector<int> partitions;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
        if (topic != metadata->topics[i].topic) continue;
        for (int j = 0; j < metadata->topics[i].partition_cnt; ++j)
            partitions.push_back(metadata->topics[i].partitions[j].id);
    }
    rd_kafka_metadata_destroy(metadata);
    return partitions;
}

}  // namespace

struct MockCluster::Backing {
    void push(std::int16_t request, const std::vector<std::string>& errors) const {
        std::vector<rd_kafka_resp_err_t> codes;
        codes.reserve(errors.size());
        for (const auto& name : errors) codes.push_back(error_called(name));
        rd_kafka_mock_push_request_errors_array(cluster, request, codes.size(), codes.data());
    }

    ClientHandle home;
    rd_kafka_mock_cluster_t* cluster = nullptr;
};

MockCluster::MockCluster(int brokers) : backing_(std::make_unique<Backing>()) {
    ConfHandle conf(rd_kafka_conf_new());
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    backing_->home = make_producer(std::move(conf));
    backing_->cluster = rd_kafka_mock_cluster_new(backing_->home.get(), brokers);
    require(backing_->cluster != nullptr, "the library can pretend to be a cluster");
}

MockCluster::~MockCluster() {
    rd_kafka_mock_cluster_destroy(backing_->cluster);
}

ClientOptions MockCluster::client() const {
    ClientOptions options;
    options.bootstrap_servers = rd_kafka_mock_cluster_bootstraps(backing_->cluster);
    options.properties = {{"reconnect.backoff.max.ms", "200"}};
    return options;
}

void MockCluster::create_topic(const std::string& topic, int partitions, int replication) {
    rd_kafka_mock_topic_create(backing_->cluster, topic.c_str(), partitions, replication);
}

void MockCluster::forget_topic(const std::string& topic) {
    rd_kafka_mock_topic_set_error(backing_->cluster, topic.c_str(),
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

void MockCluster::remember_topic(const std::string& topic) {
    rd_kafka_mock_topic_set_error(backing_->cluster, topic.c_str(), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void MockCluster::take_down(int broker) {
    rd_kafka_mock_broker_set_down(backing_->cluster, broker);
}

void MockCluster::bring_up(int broker) {
    rd_kafka_mock_broker_set_up(backing_->cluster, broker);
}

void MockCluster::answer_produce_with(const std::vector<std::string>& errors) {
    backing_->push(produce_request, errors);
}

void MockCluster::answer_commit_with(const std::vector<std::string>& errors) {
    backing_->push(commit_request, errors);
}

void MockCluster::put(const std::string& topic, const std::string& key, const char* value,
                      const std::vector<Header>& headers, int partition) {
    const auto producer = make_producer(make_conf(client(), {}, {{"linger.ms", "0"}}));
    rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
    for (const auto& [name, text] : headers) {
        rd_kafka_header_add(list, name.data(), static_cast<ssize_t>(name.size()), text.data(),
                            static_cast<ssize_t>(text.size()));
    }
    std::array<rd_kafka_vu_t, 6> fields{};
    fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    fields[0].u.cstr = topic.c_str();
    fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[1].u.i32 = partition;
    fields[2].vtype = RD_KAFKA_VTYPE_KEY;
    fields[2].u.mem = {const_cast<char*>(key.data()), key.size()};
    fields[3].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[3].u.mem = {const_cast<char*>(value),
                       value == nullptr ? 0 : std::char_traits<char>::length(value)};
    fields[4].vtype = RD_KAFKA_VTYPE_HEADERS;
    fields[4].u.headers = list;
    fields[5].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    fields[5].u.i = RD_KAFKA_MSG_F_COPY;
    require(rd_kafka_produceva(producer.get(), fields.data(), fields.size()) == nullptr,
            "a test's record is queued");
    require(rd_kafka_flush(producer.get(), 10'000) == RD_KAFKA_RESP_ERR_NO_ERROR,
            "a test's record is delivered");
}

std::vector<FoundRecord> MockCluster::read(const std::string& topic, std::size_t count,
                                           Milliseconds patience) const {
    return read_topic(client(), topic, count, patience);
}

std::vector<FoundRecord> read_topic(const ClientOptions& client, const std::string& topic,
                                    std::size_t count, Milliseconds patience) {
    auto consumer = reader(client, "a-reader");
    const PartitionsHandle assignment(rd_kafka_topic_partition_list_new(1));
    for (const int partition : partitions_of(*consumer, topic)) {
        rd_kafka_topic_partition_list_add(assignment.get(), topic.c_str(), partition)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(consumer.get(), assignment.get());
    std::vector<FoundRecord> records;
    const auto until = std::chrono::steady_clock::now() + patience;
    while (records.size() < count && std::chrono::steady_clock::now() < until) {
        rd_kafka_message_t* const message = rd_kafka_consumer_poll(consumer.get(), 20);
        if (message == nullptr) continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) records.push_back(found(*message));
        rd_kafka_message_destroy(message);
    }
    // It is in no group that it would have to leave.
    rd_kafka_destroy_flags(consumer.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    std::ranges::sort(records, {}, [](const FoundRecord& record) {
        return std::tuple(record.partition, record.offset);
    });
    return records;
}

std::int64_t MockCluster::committed(const std::string& group, const std::string& topic,
                                    int partition) const {
    const auto consumer = reader(client(), group.c_str());
    const PartitionsHandle asked(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(asked.get(), topic.c_str(), partition);
    const auto code = rd_kafka_committed(consumer.get(), asked.get(), 10'000);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return -1;
    return std::max<std::int64_t>(asked->elems[0].offset, -1);
}

}  // namespace florin::kafka
