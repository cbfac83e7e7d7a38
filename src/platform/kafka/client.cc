#include "platform/kafka/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include <librdkafka/rdkafka.h>
#include <syslog.h>

#include "platform/kafka/handles.h"
#include "platform/telemetry/log.h"

namespace florin::kafka {
namespace {

constexpr auto owned = std::to_array<std::string_view>({"acks",
                                                        "allow.auto.create.topics",
                                                        "auto.offset.reset",
                                                        "bootstrap.servers",
                                                        "delivery.report.only.error",
                                                        "delivery.timeout.ms",
                                                        "enable.auto.commit",
                                                        "enable.auto.offset.store",
                                                        "enable.gapless.guarantee",
                                                        "enable.idempotence",
                                                        "enable.partition.eof",
                                                        "enabled_events",
                                                        "group.id",
                                                        "group.instance.id",
                                                        "log.queue",
                                                        "max.in.flight",
                                                        "max.in.flight.requests.per.connection",
                                                        "message.send.max.retries",
                                                        "message.timeout.ms",
                                                        "metadata.broker.list",
                                                        "partition.assignment.strategy",
                                                        "partitioner",
                                                        "queuing.strategy",
                                                        "request.required.acks",
                                                        "retries",
                                                        "transactional.id"});
constexpr auto dangerous = std::to_array<std::string_view>(
    {"interceptors", "plugin.library.paths", "sasl.kerberos.kinit.cmd", "ssl.engine.id",
     "ssl.engine.location", "ssl.providers"});

bool is_callback(std::string_view name) {
    return name.ends_with("_cb") || name == "opaque" || name.ends_with("_callback_data");
}

// Syslog's levels; what the library calls an error is mostly a broker that is away. That a property
// is for consumers or for producers only is no news: operators give one list for both.
telemetry::Level level_of(int syslog_level, std::string_view facility) {
    if (syslog_level <= LOG_WARNING && facility != "CONFWARN") return telemetry::Level::Warning;
    return telemetry::Level::Debug;
}

void write_line(const rd_kafka_t* client, int level, const char* facility, const char* text) {
    telemetry::log(level_of(level, facility), "Kafka's client library has something to say",
                   {{"client", client == nullptr ? "" : rd_kafka_name(client)},
                    {"facility", facility},
                    {"text", text}});
}

// The library repeats a refused value in its text, and the value may be a secret.
void set(rd_kafka_conf_t& conf, const Property& property) {
    const auto& [name, value] = property;
    std::array<char, 1> unused{};
    const auto result =
        rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), unused.data(), unused.size());
    if (result == RD_KAFKA_CONF_UNKNOWN)
        throw ConfigurationFault("Kafka's client library knows no property \"" + name + '"');
    if (result == RD_KAFKA_CONF_INVALID) {
        throw ConfigurationFault("Kafka's client library does not take the value of \"" + name +
                                 "\"; see the library's CONFIGURATION.md for what it may be");
    }
}

ClientHandle make_client(rd_kafka_type_t type, ConfHandle conf) {
    std::array<char, 512> text{};
    rd_kafka_conf_t* const given = conf.release();  // a client that is made has taken it over
    ClientHandle client(rd_kafka_new(type, given, text.data(), text.size()));
    if (!client) {
        conf.reset(given);
        throw ConfigurationFault(std::string("no Kafka client can be made: ") + text.data());
    }
    return client;
}

}  // namespace

std::optional<std::string> refuse_property(std::string_view name) {
    if (std::ranges::find(owned, name) != owned.end() || is_callback(name))
        return "is set by Florin: that nothing is lost or overtaken rests on it";
    if (std::ranges::find(dangerous, name) != dangerous.end())
        return "would let a setting run code of its own";
    return std::nullopt;
}

std::string complaint_about(const ClientOptions& options) {
    try {
        const auto producer = make_producer(make_conf(options, {}, {}));
        return {};
    } catch (const ConfigurationFault& fault) {
        return fault.what();
    }
}

void DestroyClient::operator()(rd_kafka_s* client) const {
    rd_kafka_destroy(client);
}
void DestroyConf::operator()(rd_kafka_conf_s* conf) const {
    rd_kafka_conf_destroy(conf);
}
void DestroyQueue::operator()(rd_kafka_queue_s* queue) const {
    rd_kafka_queue_destroy(queue);
}
void DestroyPartitions::operator()(rd_kafka_topic_partition_list_s* partitions) const {
    rd_kafka_topic_partition_list_destroy(partitions);
}

std::string error_name(int code) {
    return rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
}

ConfHandle make_conf(const ClientOptions& options, const std::vector<Property>& defaults,
                     const std::vector<Property>& ours) {
    ConfHandle conf(rd_kafka_conf_new());
    set(*conf, {"bootstrap.servers", options.bootstrap_servers});
    set(*conf, {"client.id", options.client_id});
    set(*conf, {"log.connection.close", "false"});
    set(*conf, {"reconnect.backoff.max.ms", "2000"});
    set(*conf, {"socket.nagle.disable", "true"});
    for (const Property& property : defaults) set(*conf, property);
    for (const Property& property : options.properties) {
        if (const auto refusal = refuse_property(property.first))
            throw ConfigurationFault('"' + property.first + "\" " + *refusal);
        set(*conf, property);
    }
    for (const Property& property : ours) set(*conf, property);
    rd_kafka_conf_set_log_cb(conf.get(), &write_line);
    return conf;
}

ClientHandle make_producer(ConfHandle conf) {
    return make_client(RD_KAFKA_PRODUCER, std::move(conf));
}

ClientHandle make_consumer(ConfHandle conf) {
    return make_client(RD_KAFKA_CONSUMER, std::move(conf));
}

}  // namespace florin::kafka
