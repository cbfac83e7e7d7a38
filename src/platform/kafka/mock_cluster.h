#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/kafka/client.h"
#include "platform/kafka/producer.h"

namespace florin::kafka {

/// What a reader finds in a topic.
struct FoundRecord {
    std::string topic;
    int partition = 0;
    std::int64_t offset = 0;
    std::string key;
    std::string value;
    bool null_value = false;
    std::vector<Header> headers;
    std::int64_t timestamp_ms = 0;
};

/// The library's own pretence of a Kafka cluster, on loopback: for tests.
class MockCluster {
public:
    explicit MockCluster(int brokers = 1);
    ~MockCluster();
    MockCluster(const MockCluster&) = delete;
    MockCluster& operator=(const MockCluster&) = delete;

    [[nodiscard]] ClientOptions client() const;
    void create_topic(const std::string& topic, int partitions = 1, int replication = 1);
    /// From now on there is no such topic.
    void forget_topic(const std::string& topic);
    /// It is there again.
    void remember_topic(const std::string& topic);
    void take_down(int broker = 1);
    void bring_up(int broker = 1);
    /// The answers to the next requests to produce: names of errors, "NO_ERROR" for none.
    void answer_produce_with(const std::vector<std::string>& errors);
    /// The same for requests to commit offsets.
    void answer_commit_with(const std::vector<std::string>& errors);
    /// Puts a record there as somebody else's producer would; without a value for null.
    void put(const std::string& topic, const std::string& key, const char* value,
             const std::vector<Header>& headers = {}, int partition = 0);
    /// The first `count` records of a topic, by partition and offset; fewer when no more come
    /// within `patience`.
    [[nodiscard]] std::vector<FoundRecord> read(const std::string& topic, std::size_t count,
                                                Milliseconds patience = Seconds(20)) const;
    /// The offset that a group has committed; -1 for none.
    [[nodiscard]] std::int64_t committed(const std::string& group, const std::string& topic,
                                         int partition = 0) const;

private:
    struct Backing;
    std::unique_ptr<Backing> backing_;
};

/// The records of a topic of any cluster, as `MockCluster::read`.
std::vector<FoundRecord> read_topic(const ClientOptions& client, const std::string& topic,
                                    std::size_t count, Milliseconds patience);

}  // namespace florin::kafka
