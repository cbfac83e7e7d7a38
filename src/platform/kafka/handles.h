#pragma once

#include <memory>
#include <vector>

#include "platform/kafka/client.h"

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_queue_s;
struct rd_kafka_topic_partition_list_s;

/// The library's objects, owned. Private to this folder.
namespace florin::kafka {

struct DestroyClient {
    void operator()(rd_kafka_s* client) const;
};
struct DestroyConf {
    void operator()(rd_kafka_conf_s* conf) const;
};
struct DestroyQueue {
    void operator()(rd_kafka_queue_s* queue) const;
};
struct DestroyPartitions {
    void operator()(rd_kafka_topic_partition_list_s* partitions) const;
};
/// Destroying one waits for the library's threads.
using ClientHandle = std::unique_ptr<rd_kafka_s, DestroyClient>;
using ConfHandle = std::unique_ptr<rd_kafka_conf_s, DestroyConf>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_s, DestroyQueue>;
using PartitionsHandle = std::unique_ptr<rd_kafka_topic_partition_list_s, DestroyPartitions>;

/// A configuration of `defaults`, which `options` may change, and of `ours`, which nobody may, with
/// the library's log going to ours. Throws `ConfigurationFault`.
ConfHandle make_conf(const ClientOptions& options, const std::vector<Property>& defaults,
                     const std::vector<Property>& ours);

/// The short name of an error: "MSG_SIZE_TOO_LARGE".
std::string error_name(int code);

/// Both take the configuration over. Throw `ConfigurationFault`.
ClientHandle make_producer(ConfHandle conf);
ClientHandle make_consumer(ConfHandle conf);

}  // namespace florin::kafka
