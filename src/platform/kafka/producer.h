#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/base/time.h"
#include "platform/kafka/client.h"
#include "platform/runtime/awaitable.h"
#include "platform/telemetry/metrics.h"

namespace florin::runtime {
class Loop;
}

namespace florin::kafka {

struct Header {
    std::string name;
    std::string value;
};

/// One record on its way to a topic.
struct Record {
    std::string topic;
    std::string key;
    std::string value;
    std::vector<Header> headers;
    Instant at;  // its timestamp, to the millisecond
};

/// What became of a record.
struct Delivery {
    enum class Kind : std::uint8_t {
        Done,     // on all replicas in sync
        Away,     // Kafka cannot be reached, or takes nothing of ours: says nothing of the record
        Refused,  // the broker refused its batch: this record or a neighbour is to blame
        TooLarge  // the client never sends so much
    };
    Kind kind = Kind::Away;
    std::string error_type;  // of all but Done: "MSG_SIZE_TOO_LARGE"
    std::string error_message;
};

struct ProducerOptions {
    /// How long nothing at all may be delivered before what waits is given back as `Away`.
    Milliseconds patience{10'000};
    Milliseconds linger{5};
    std::size_t queue_records_max = 100'000;
    std::size_t queue_kib_max = 65'536;
    /// How long what was wrong is told when nothing is sent that could show it mended.
    Milliseconds trouble_lasts{45'000};
};

/// Sends records so that each topic keeps the order of its keys whatever fails: an idempotent
/// producer whose records never expire one by one. When something was not delivered that was to
/// come before others, the whole session ends: what was behind it comes back too, and the next
/// `send` begins a new session. So whoever sends again what came back, in its old order, never lets
/// a record overtake another of its key. Keys meet partitions as in the Java clients (murmur2).
/// Counts florin_kafka_records_total{result}. Lives on one loop, with a thread for reports.
class Producer {
public:
    /// The references outlive this object. Throws `ConfigurationFault`.
    Producer(runtime::Loop& loop, ClientOptions client, ProducerOptions options,
             telemetry::Metrics& metrics);
    ~Producer();
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    /// One result a record, in their order, once all are known; that takes no longer than the
    /// slowest delivery and `patience`. On the loop; several may be under way.
    awaitable<std::vector<Delivery>> send(std::vector<Record> records);

    /// Gives back what waits, and takes nothing more. On the loop.
    void close();

    /// Why Kafka takes nothing at present, for people; empty when it does as far as is known.
    /// Thread-safe.
    [[nodiscard]] std::string trouble() const;

private:
    class Session;
    class Round;
    class Report;

    /// Throws `ConfigurationFault` and what threads throw.
    Session& session();
    void hand_over(const std::vector<Record>& records, Round& round);
    void count(const std::vector<Delivery>& deliveries);

    runtime::Loop& loop_;
    const ClientOptions client_;
    const ProducerOptions options_;
    const std::string compression_;
    const std::shared_ptr<Report> report_;
    std::unique_ptr<Session> session_;               // none before the first send
    std::vector<std::unique_ptr<Session>> retired_;  // ending by themselves
    bool closed_ = false;
    telemetry::Counter done_;
    telemetry::Counter away_;
    telemetry::Counter refused_;
    telemetry::Counter sessions_;
};

}  // namespace florin::kafka
