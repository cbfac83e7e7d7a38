#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/base/time.h"
#include "platform/store/session.h"

/// The events that the worker has dealt with, so that a repeated message changes nothing.
namespace florin::reservation::inbox {

[[nodiscard]] bool has(store::Snapshot& snapshot, std::string_view event_key);
/// Knows it already: nothing happens.
void add(store::Transaction& tx, std::string_view event_key, Instant now);
/// Forgets up to `limit` that are older than `before`; how many it was.
std::int64_t prune(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::reservation::inbox
