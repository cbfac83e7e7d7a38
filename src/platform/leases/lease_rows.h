#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/store/session.h"

namespace florin::leases {

using Names = std::set<std::string, std::less<>>;

/// A process that shares the database.
struct Instance {
    Uuid id;
    std::int64_t beat = 0;
    std::string name;  // for people: host, process, role
    Instant started_at;
};
/// All of them, dead ones too until somebody removes them; at most 1,000.
std::vector<Instance> instances(store::Snapshot& snapshot);

/// Shows that the instance lives. False when others have removed it: then it holds nothing.
bool beat(store::Transaction& tx, const Uuid& id);
void register_instance(store::Transaction& tx, const Instance& instance);

/// Removes an instance and frees its work, if its beat is still the one that was seen.
bool remove_if_silent(store::Transaction& tx, const Uuid& id, std::int64_t beat_seen);
/// Removes an instance that ends, with all it holds.
void remove(store::Transaction& tx, const Uuid& id);

/// True when nobody held the work.
bool take(store::Transaction& tx, std::string_view work, const Uuid& holder);
void free_work(store::Transaction& tx, std::string_view work, const Uuid& holder);

/// What `holder` holds.
Names held_by(store::Snapshot& snapshot, const Uuid& holder);
/// Which of `wanted` nobody holds.
Names free_among(store::Snapshot& snapshot, const Names& wanted);

}  // namespace florin::leases
