#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "platform/broker/consumer.h"

namespace florin::broker {

/// Which part of the log to read.
struct LogRange {
    std::int64_t after = 0;
    std::int64_t until = std::numeric_limits<std::int64_t>::max();
    std::size_t messages_max = 256;
    std::size_t bytes_max = 1 << 20;  // of payloads; one message may be larger
    int rows_max = 1'024;             // looked at, those of other topics included
};

/// What of the log somebody has yet to pass.
struct Backlog {
    std::int64_t events = 0;  // counted up to `backlog_counted_max` positions; beyond, positions
    std::optional<Instant> oldest;  // when the first of them happened
    std::int64_t end = 0;           // of the log: its last position
};

/// Positions leave gaps over MariaDB (after a rollback, or of a bulk insert), so events are counted
/// where that costs little.
inline constexpr std::int64_t backlog_counted_max = 4'096;

struct LogPage {
    std::vector<Message> messages;
    std::int64_t position = 0;  // every message of the topics up to here is in this page
    std::int64_t end = 0;       // of the log: its last position
};

/// The messages of `topics` in the outbox, in its order; of all topics when none is named.
LogPage read_log(store::Snapshot& snapshot, const std::vector<std::string>& topics,
                 const LogRange& range);

/// What comes after `position`.
Backlog backlog_after(store::Snapshot& snapshot, std::int64_t position);

/// The last position of the log; 0 when it is empty.
std::int64_t end_of_log(store::Snapshot& snapshot);

}  // namespace florin::broker
