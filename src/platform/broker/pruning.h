#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/time.h"
#include "platform/store/session.h"

namespace florin::broker {

/// Deletes up to `limit` events older than `before`, oldest first, but none that one of `groups`
/// has yet to come to: a group that has never begun keeps them all. How many it deleted.
std::int64_t prune_consumed(store::Transaction& tx, Instant before, int limit,
                            const std::vector<std::string>& groups);

}  // namespace florin::broker
