#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/store/session.h"

/// The messages that groups are done with, remembered in the transactions of their effects: what
/// makes a message that comes again change nothing.
namespace florin::kafka::handled_events {

/// Notes the event as handled; false when it was before.
bool add(store::Transaction& tx, std::string_view group, const Uuid& event, Instant now);
/// It was not handled after all.
void remove(store::Transaction& tx, std::string_view group, const Uuid& event);

/// Takes over what a group has handled in the own log, up to its offset there: the next `limit`
/// events after `after` become handled, and when there are no more, the group leaves that log. Its
/// place there is kept: when it comes back it goes on behind it. Where it has come to; nothing when
/// it is done.
std::optional<std::int64_t> adopt(store::Transaction& tx, std::string_view group,
                                  std::int64_t after, int limit, Instant now);

/// Events that happened before then were handled in the own log, before the group left it: the log
/// may have forgotten them, and Kafka may not. Nothing when the group was never there.
std::optional<Instant> handled_before(store::Snapshot& snapshot, std::string_view group);

/// Whether the group has ever handled a message of Kafka that is still remembered.
bool any_of(store::Snapshot& snapshot, std::string_view group);

/// Forgets up to `limit` events handled before then; how many it forgot. Those that the own log may
/// still hold are kept as long as it holds them: the group may come back to it. A message that
/// Kafka delivers again later than that is taken for a new one.
std::int64_t prune(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::kafka::handled_events
