#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "platform/kafka/topic_admin.h"
#include "platform/runtime/awaitable.h"

namespace florin::kafka {
class TopicNames;
}

namespace florin::app {

struct Settings;

/// The types of all events, as far as topics are to be there before the first event.
const std::vector<std::string>& event_types();

/// The topics of these types, and those of their dead letters.
std::vector<std::string> with_dead_letter_topics(const kafka::TopicNames& names,
                                                 const std::vector<std::string>& types);

/// Why Kafka does not say which topics it has; empty when it has, or has not been asked.
/// Thread-safe.
class TopicsTrouble {
public:
    void set(std::string text) {
        const std::scoped_lock lock(mutex_);
        text_ = std::move(text);
    }
    [[nodiscard]] std::string get() const {
        const std::scoped_lock lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

/// Looks for the topics until Kafka answers, creates what is missing if settings allow it, and says
/// in the log what is missing then. Returns soon after `stopping` is set. On a loop.
awaitable<void> ensure_kafka_topics(const Settings& settings, std::vector<std::string> topics,
                                    const std::atomic<bool>& stopping, TopicsTrouble& trouble,
                                    kafka::TopicAsking& asking);

}  // namespace florin::app
