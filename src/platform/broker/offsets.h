#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/broker/consumer_options.h"
#include "platform/store/session.h"

namespace florin::broker {

/// The position of the last message that `group` is done with; nothing for a group that has never
/// begun. 0 is before the first message.
std::optional<std::int64_t> offset_of(store::Snapshot& snapshot, std::string_view group);

/// Moves the group there, forwards or back.
void set_offset(store::Transaction& tx, std::string_view group, std::int64_t position);

/// Moves the group on; false, and nothing moved, when it does not stand at `from` any more.
bool move_offset(store::Transaction& tx, std::string_view group, std::int64_t from,
                 std::int64_t to);

/// Where the group stands; one that has never begun begins at `start`.
std::int64_t begin_at(store::Transaction& tx, std::string_view group, ConsumerOptions::Start start);

}  // namespace florin::broker
