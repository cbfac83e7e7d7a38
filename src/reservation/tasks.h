#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/broker/consumer.h"
#include "platform/store/session.h"

namespace florin::reservation {

/// A message of the log that the worker has yet to deal with. Its event's id is the task's.
struct Task {
    broker::Message message;
    std::string reservation_id;
    int attempts = 0;  // that failed
    Instant due;
};

namespace tasks {

/// Knows it already: nothing happens.
void insert(store::Transaction& tx, const Task& task);
/// Up to `limit` that are due at `now`, earliest first, and of each reservation only the one that
/// came first: its others wait for it, whenever they are due.
std::vector<Task> due(store::Snapshot& snapshot, Instant now, int limit);
void put_off(store::Transaction& tx, const Uuid& id, int attempts, Instant due);
/// False when it was not there any more.
bool remove(store::Transaction& tx, const Uuid& id);
std::int64_t count(store::Snapshot& snapshot);

}  // namespace tasks
}  // namespace florin::reservation
