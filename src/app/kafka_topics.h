#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "platform/runtime/awaitable.h"

namespace florin::app {

struct Settings;

/// The types of all events, as far as topics are to be there before the first event.
const std::vector<std::string>& event_types();

/// Looks for the topics until Kafka answers, creates what is missing if settings allow it, and says
/// in the log what is missing then. Returns soon after `stopping` is set. On a loop.
awaitable<void> ensure_kafka_topics(const Settings& settings, std::vector<std::string> topics,
                                    const std::atomic<bool>& stopping);

}  // namespace florin::app
