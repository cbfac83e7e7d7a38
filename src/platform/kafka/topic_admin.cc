#include "platform/kafka/topic_admin.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <thread>

#include <librdkafka/rdkafka.h>

#include "platform/kafka/handles.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"

namespace florin::kafka {
namespace {

struct DestroyNewTopic {
    void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
};
struct DestroyOptions {
    void operator()(rd_kafka_AdminOptions_t* options) const {
        rd_kafka_AdminOptions_destroy(options);
    }
};
struct DestroyEvent {
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};

/// A client that asks and creates.
class Admin {
public:
    explicit Admin(const ClientOptions& options) {
        auto conf = make_conf(options, {}, {{"allow.auto.create.topics", "false"}});
        rd_kafka_conf_set_opaque(conf.get(), this);
        rd_kafka_conf_set_error_cb(conf.get(), &Admin::on_error);
        client_ = make_producer(std::move(conf));
    }
    [[nodiscard]] rd_kafka_t& client() const { return *client_; }

    /// Why it did not answer: what was heard of its connections (a password that is refused, a
    /// certificate that is not trusted) says more than the time that has passed.
    [[nodiscard]] std::string reason_for(rd_kafka_resp_err_t code) {
        rd_kafka_poll(client_.get(), 0);
        return heard_.empty() ? rd_kafka_err2str(code) : heard_;
    }

private:
    static void on_error(rd_kafka_t* /*client*/, int code, const char* reason, void* opaque) {
        if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
            static_cast<Admin*>(opaque)->heard_ = reason;
    }

    std::string heard_;
    ClientHandle client_;
};

/// All topics of the cluster; asking for one by its name might create it.
std::set<std::string> existing_topics(Admin& admin, Milliseconds patience, std::string& trouble) {
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto code = rd_kafka_metadata(&admin.client(), 1, nullptr, &metadata,
                                        static_cast<int>(patience.count()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        trouble = admin.reason_for(code);
        return {};
    }
    std::set<std::string> topics;
    for (int i = 0; i < metadata->topic_cnt; ++i) topics.insert(metadata->topics[i].topic);
    rd_kafka_metadata_destroy(metadata);
    return topics;
}

void note_results(const rd_kafka_event_t& event, std::vector<MissingTopic>& missing,
                  std::vector<std::string>& created) {
    std::size_t count = 0;
    const auto* const topics = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(const_cast<rd_kafka_event_t*>(&event)), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = rd_kafka_topic_result_name(topics[i]);
        const auto code = rd_kafka_topic_result_error(topics[i]);
        const auto found = std::ranges::find(missing, name, &MissingTopic::name);
        if (found == missing.end()) continue;
        const bool there =
            code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
        if (there) {
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR) created.push_back(name);
            missing.erase(found);
        } else {
            const char* const text = rd_kafka_topic_result_error_string(topics[i]);
            found->reason = text == nullptr ? rd_kafka_err2str(code) : text;
        }
    }
}

void create(rd_kafka_t& client, const TopicAdminOptions& options, TopicReport& report) {
    std::vector<std::unique_ptr<rd_kafka_NewTopic_t, DestroyNewTopic>> owned;
    std::vector<rd_kafka_NewTopic_t*> topics;
    std::array<char, 256> wrong{};
    for (auto& missing : report.missing) {
        owned.emplace_back(rd_kafka_NewTopic_new(missing.name.c_str(), options.partitions,
                                                 options.replication, wrong.data(), wrong.size()));
        if (owned.back() == nullptr) {
            missing.reason = wrong.data();
        } else {
            topics.push_back(owned.back().get());
        }
    }
    const std::unique_ptr<rd_kafka_AdminOptions_t, DestroyOptions> admin(
        rd_kafka_AdminOptions_new(&client, RD_KAFKA_ADMIN_OP_CREATETOPICS));
    const int patience_ms = static_cast<int>(options.patience.count());
    rd_kafka_AdminOptions_set_operation_timeout(admin.get(), patience_ms, wrong.data(),
                                                wrong.size());
    rd_kafka_AdminOptions_set_request_timeout(admin.get(), patience_ms, wrong.data(), wrong.size());
    const QueueHandle answers(rd_kafka_queue_new(&client));
    rd_kafka_CreateTopics(&client, topics.data(), topics.size(), admin.get(), answers.get());
    const std::unique_ptr<rd_kafka_event_t, DestroyEvent> event(
        rd_kafka_queue_poll(answers.get(), patience_ms));
    const auto code = event ? rd_kafka_event_error(event.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_results(*event, report.missing, report.created);
        return;
    }
    const std::string reason =
        event ? rd_kafka_event_error_string(event.get()) : rd_kafka_err2str(code);
    for (auto& missing : report.missing) missing.reason = reason;
}

}  // namespace

TopicReport ensure_topics(const ClientOptions& client, const std::vector<std::string>& topics,
                          const TopicAdminOptions& options) {
    TopicReport report;
    Admin admin(client);
    const auto existing = existing_topics(admin, options.patience, report.trouble);
    if (!report.trouble.empty()) return report;
    for (const auto& topic : topics) {
        if (!existing.contains(topic)) report.missing.push_back({topic, {}});
    }
    if (options.create && !report.missing.empty()) create(admin.client(), options, report);
    return report;
}

TopicAsking::~TopicAsking() {
    if (thread_.joinable()) thread_.join();
}

awaitable<TopicReport> TopicAsking::ensure(ClientOptions client, std::vector<std::string> topics,
                                           TopicAdminOptions options) {
    TopicReport report;
    runtime::Loop& loop = runtime::Loop::current();
    runtime::Completion done;
    const auto ask = [&] {
        try {
            report = ensure_topics(client, topics, options);
        } catch (const std::exception& fault) {
            report.trouble = fault.what();
        }
        loop.complete(&done);
    };
    co_await done.wait([&] {
        try {
            thread_ = std::thread(ask);
        } catch (const std::exception& fault) {
            report.trouble = fault.what();
            loop.complete(&done);
        }
    });
    if (thread_.joinable()) thread_.join();
    co_return report;
}

}  // namespace florin::kafka
