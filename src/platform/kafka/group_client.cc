#include "platform/kafka/group_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include <librdkafka/rdkafka.h>

#include "platform/kafka/handles.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace florin::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

// The library repeats what is still wrong after half a minute.
constexpr std::chrono::seconds trouble_lasts{45};

ConfHandle consumer_conf(const ClientOptions& client, const GroupClientOptions& options) {
    return make_conf(client,
                     {{"session.timeout.ms", "10000"},
                      {"heartbeat.interval.ms", "2000"},
                      {"queued.max.messages.kbytes", "4096"},
                      {"queued.min.messages", "10000"},
                      {"fetch.error.backoff.ms", "100"},
                      {"topic.metadata.refresh.interval.ms", "10000"}},
                     {{"group.id", options.group_id},
                      {"partition.assignment.strategy", "cooperative-sticky"},
                      {"enable.auto.commit", "false"},
                      {"enable.auto.offset.store", "false"},
                      {"allow.auto.create.topics", "false"},
                      {"auto.offset.reset", options.from_end ? "latest" : "earliest"}});
}

std::vector<TopicPartition> partitions_of(const rd_kafka_topic_partition_list_t& list) {
    std::vector<TopicPartition> partitions;
    partitions.reserve(static_cast<std::size_t>(list.cnt));
    for (int i = 0; i < list.cnt; ++i)
        partitions.push_back({list.elems[i].topic, list.elems[i].partition});
    return partitions;
}

PartitionsHandle list_of(const std::vector<TopicPartition>& partitions) {
    PartitionsHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
    for (const auto& [topic, partition] : partitions)
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
    return list;
}

std::vector<Header> headers_of(const rd_kafka_message_t& message) {
    std::vector<Header> headers;
    rd_kafka_headers_t* list = nullptr;
    if (rd_kafka_message_headers(&message, &list) != RD_KAFKA_RESP_ERR_NO_ERROR) return headers;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
        const auto* const bytes = static_cast<const char*>(value);
        headers.push_back({name, bytes == nullptr ? std::string() : std::string(bytes, size)});
    }
    return headers;
}

IncomingRecord record_of(const rd_kafka_message_t& message, const TopicPartition& from) {
    IncomingRecord record{
        from.topic, from.partition, message.offset, {}, std::nullopt, headers_of(message), {}};
    if (message.key != nullptr)
        record.key.assign(static_cast<const char*>(message.key), message.key_len);
    if (message.payload != nullptr)
        record.value.emplace(static_cast<const char*>(message.payload), message.len);
    const std::int64_t ms = rd_kafka_message_timestamp(&message, nullptr);
    record.at = instant_from_unix_us(std::max<std::int64_t>(ms, 0) * 1'000);
    return record;
}

// Refused when there is no such assignment any more: then it is given back already. The same for a
// group that this client was thrown out of.
void ignore_refusal(rd_kafka_error_t* error) {
    if (error == nullptr) return;
    telemetry::debug("What was to be given back was not ours any more",
                     {{"reason", rd_kafka_error_string(error)}});
    rd_kafka_error_destroy(error);
}

}  // namespace

struct GroupClient::Library {
    ClientHandle client;
    QueueHandle events;
    QueueHandle last_events;                       // while it leaves
    std::map<TopicPartition, QueueHandle> queues;  // of the partitions that are ours
};

/// What the library calls, in `serve` and `leave`, on their thread.
struct GroupClient::Callbacks {
    static void on_wake(rd_kafka_t* /*client*/, void* opaque) {
        static_cast<GroupClient*>(opaque)->wake_();
    }
    static void on_rebalance(rd_kafka_t* /*client*/, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t* partitions, void* opaque) {
        auto& self = *static_cast<GroupClient*>(opaque);
        if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
            take(self, *partitions);
        } else {
            revoke(self, *partitions);
        }
    }
    static void on_commit(rd_kafka_t* /*client*/, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t* /*offsets*/, void* opaque) {
        auto& self = *static_cast<GroupClient*>(opaque);
        --self.commits_under_way_;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
        ++self.failed_commits_;
        telemetry::debug("Offsets were not committed; they are with the next ones",
                         {{"reason", rd_kafka_err2str(code)}});
    }
    static void on_error(rd_kafka_t* /*client*/, int code, const char* reason, void* opaque) {
        auto& self = *static_cast<GroupClient*>(opaque);
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !self.trouble().empty()) return;
        self.complain(reason);
    }

private:
    static void take(GroupClient& self, rd_kafka_topic_partition_list_t& partitions) {
        ++self.rebalances_;
        self.has_had_a_part_ = true;
        if (self.leaving_) {
            ignore_refusal(rd_kafka_incremental_assign(self.library_->client.get(), &partitions));
            return;
        }
        for (const auto& partition : partitions_of(partitions)) {
            QueueHandle queue(rd_kafka_queue_get_partition(
                self.library_->client.get(), partition.topic.c_str(), partition.partition));
            // Before it is assigned: no record may take the way of the common queue.
            rd_kafka_queue_forward(queue.get(), nullptr);
            rd_kafka_queue_cb_event_enable(queue.get(), &Callbacks::on_wake, &self);
            self.library_->queues[partition] = std::move(queue);
            self.changes_.assigned.push_back(partition);
        }
        ignore_refusal(rd_kafka_incremental_assign(self.library_->client.get(), &partitions));
        self.trouble_.clear();
    }
    static void revoke(GroupClient& self, rd_kafka_topic_partition_list_t& partitions) {
        ++self.rebalances_;
        auto& client = *self.library_->client;
        if (!self.leaving_ && rd_kafka_assignment_lost(&client) == 0) {
            self.revoking_ = partitions_of(partitions);
            return;
        }
        for (const auto& partition : partitions_of(partitions)) {
            forget(self, partition);
            self.changes_.lost.push_back(partition);
        }
        ignore_refusal(rd_kafka_incremental_unassign(&client, &partitions));
    }

public:
    static void forget(GroupClient& self, const TopicPartition& partition) {
        const auto found = self.library_->queues.find(partition);
        if (found == self.library_->queues.end()) return;
        rd_kafka_queue_cb_event_enable(found->second.get(), nullptr, nullptr);
        self.library_->queues.erase(found);
    }
};

GroupClient::GroupClient(const ClientOptions& client, const GroupClientOptions& options,
                         std::function<void()> wake)
    : wake_(std::move(wake)), library_(std::make_unique<Library>()) {
    auto conf = consumer_conf(client, options);
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_rebalance_cb(conf.get(), &Callbacks::on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf.get(), &Callbacks::on_commit);
    rd_kafka_conf_set_error_cb(conf.get(), &Callbacks::on_error);
    library_->client = make_consumer(std::move(conf));
    rd_kafka_poll_set_consumer(library_->client.get());
    library_->events.reset(rd_kafka_queue_get_consumer(library_->client.get()));
    rd_kafka_queue_cb_event_enable(library_->events.get(), &Callbacks::on_wake, this);
    const PartitionsHandle subscription(
        rd_kafka_topic_partition_list_new(static_cast<int>(options.topics.size())));
    for (const auto& topic : options.topics) {
        rd_kafka_topic_partition_list_add(subscription.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    }
    const auto code = rd_kafka_subscribe(library_->client.get(), subscription.get());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        throw ConfigurationFault(std::string("the topics cannot be subscribed: ") +
                                 rd_kafka_err2str(code));
    }
}

GroupClient::~GroupClient() {
    if (!library_) return;
    const bool closing = std::exchange(leaving_, true);
    for (auto& [partition, queue] : library_->queues)
        rd_kafka_queue_cb_event_enable(queue.get(), nullptr, nullptr);
    if (library_->events) rd_kafka_queue_cb_event_enable(library_->events.get(), nullptr, nullptr);
    library_->queues.clear();
    library_->events.reset();
    library_->last_events.reset();
    // Here and not later: it calls back while this object is whole. Who was told to leave has had
    // the time for it, and does not wait again.
    if (!closing) {
        left_without_a_part_ = awaits_its_part();
        rd_kafka_consumer_close(library_->client.get());
    }
    auto* const client = library_->client.release();
    // librdkafka before 2.3 aborts the process when it destroys such a member (its issue 4312). It
    // has left the group; the rest of it goes with the process.
    if (left_without_a_part_ && !has_had_a_part_) return;
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

bool GroupClient::awaits_its_part() const {
    if (has_had_a_part_) return false;
    auto& client = *library_->client;
    char* const id = rd_kafka_memberid(&client);
    const bool known = id != nullptr && *id != '\0';
    rd_kafka_mem_free(&client, id);
    return known;
}

void GroupClient::complain(std::string text) {
    if (trouble().empty())
        telemetry::warning("Kafka may not be readable at present", {{"reason", text}});
    trouble_ = std::move(text);
    complained_at_ = SteadyClock::now();
}

// A broker that is back says nothing as long as it has no records for us.
std::string GroupClient::trouble() const {
    const bool fresh = SteadyClock::now() - complained_at_ < trouble_lasts;
    return fresh ? trouble_ : std::string();
}

GroupClient::Changes GroupClient::serve() {
    while (rd_kafka_message_t* const message = rd_kafka_consumer_poll(library_->client.get(), 0)) {
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) complain(rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
    }
    return std::exchange(changes_, {});
}

void GroupClient::give_back() {
    for (const auto& partition : revoking_) Callbacks::forget(*this, partition);
    const auto list = list_of(revoking_);
    revoking_.clear();
    ignore_refusal(rd_kafka_incremental_unassign(library_->client.get(), list.get()));
}

std::vector<IncomingRecord> GroupClient::pull(const TopicPartition& from, std::size_t records_max) {
    std::vector<IncomingRecord> records;
    const auto queue = library_->queues.find(from);
    if (queue == library_->queues.end()) return records;
    std::vector<rd_kafka_message_t*> messages(records_max);
    const auto count =
        rd_kafka_consume_batch_queue(queue->second.get(), 0, messages.data(), messages.size());
    for (ssize_t i = 0; i < count; ++i) {
        rd_kafka_message_t* const message = messages[static_cast<std::size_t>(i)];
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            records.push_back(record_of(*message, from));
        } else {
            complain(rd_kafka_message_errstr(message));
        }
        rd_kafka_message_destroy(message);
    }
    if (!records.empty()) trouble_.clear();
    return records;
}

void GroupClient::commit(const Offsets& offsets) {
    const PartitionsHandle list(
        rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [at, offset] : offsets) {
        rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition)->offset =
            offset;
    }
    constexpr int do_not_wait = 1;
    if (rd_kafka_commit(library_->client.get(), list.get(), do_not_wait) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++commits_under_way_;
    } else {
        ++failed_commits_;
    }
}

std::int64_t GroupClient::end_of(const TopicPartition& partition) const {
    std::int64_t first = 0;
    std::int64_t end = 0;
    rd_kafka_get_watermark_offsets(library_->client.get(), partition.topic.c_str(),
                                   partition.partition, &first, &end);
    return std::max<std::int64_t>(end, 0);
}

awaitable<void> GroupClient::leave(SteadyTime until) {
    leaving_ = true;
    left_without_a_part_ = awaits_its_part();
    if (SteadyClock::now() >= until) co_return;
    auto& client = *library_->client;
    library_->last_events.reset(rd_kafka_queue_new(&client));
    ignore_refusal(rd_kafka_consumer_close_queue(&client, library_->last_events.get()));
    while (rd_kafka_consumer_closed(&client) == 0 && SteadyClock::now() < until) {
        serve();
        co_await runtime::sleep_for(Milliseconds(1));
    }
    // What it would still call back for is given back here: its end waits for that.
    if (rd_kafka_consumer_closed(&client) == 0) rd_kafka_assign(&client, nullptr);
}

}  // namespace florin::kafka
