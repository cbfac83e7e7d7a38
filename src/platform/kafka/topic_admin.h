#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "platform/base/time.h"
#include "platform/kafka/client.h"
#include "platform/runtime/awaitable.h"

namespace florin::kafka {

struct TopicAdminOptions {
    bool create = true;    // what is missing
    int partitions = 6;    // of what is created
    int replication = -1;  // of what is created; -1: the brokers' default
    Milliseconds patience{10'000};
};

/// A topic that is not there.
struct MissingTopic {
    std::string name;
    std::string reason;  // why it was not created; empty: nobody asked for it
};

struct TopicReport {
    std::string trouble;  // why nothing is known: Kafka cannot be reached; empty: it answered
    std::vector<std::string> created;
    std::vector<MissingTopic> missing;

    /// Every topic is there.
    [[nodiscard]] bool complete() const { return trouble.empty() && missing.empty(); }
};

/// Looks for the topics, creates what is missing and says what is there then. Topics that exist are
/// left as they are. Waits on the calling thread, no longer than twice `patience`.
TopicReport ensure_topics(const ClientOptions& client, const std::vector<std::string>& topics,
                          const TopicAdminOptions& options);

/// The same on a thread of its own. On one loop, which outlives this object: that dies when the
/// thread has ended, also where nobody waits for the answer any more.
class TopicAsking {
public:
    TopicAsking() = default;
    ~TopicAsking();
    TopicAsking(const TopicAsking&) = delete;
    TopicAsking& operator=(const TopicAsking&) = delete;

    /// One at a time.
    awaitable<TopicReport> ensure(ClientOptions client, std::vector<std::string> topics,
                                  TopicAdminOptions options);

private:
    std::thread thread_;
};

}  // namespace florin::kafka
