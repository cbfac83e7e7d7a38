#pragma once

#include <optional>
#include <string>
#include <vector>

#include "merchants/api_key.h"
#include "platform/store/session.h"

/// The SQL of API keys.
namespace florin::merchants {

void insert_key(store::Transaction& tx, const ApiKey& key);
std::optional<ApiKey> find_key(store::Snapshot& snapshot, const Uuid& id);
std::optional<ApiKey> find_key_by_digest(store::Snapshot& snapshot, const crypto::Sha256& digest);

struct KeyFilter {
    std::optional<std::string> merchant;  // nothing: of all merchants
    std::optional<Uuid> before;           // the last id of the page before
    int limit = 100;
};
/// Newest first, whatever their state.
std::vector<ApiKey> list_keys(store::Snapshot& snapshot, const KeyFilter& filter);
/// Of one merchant.
std::int64_t count_usable_keys(store::Snapshot& snapshot, std::string_view merchant, Instant now);

/// Stores the two ends that can change after a key was made.
void update_ends(store::Transaction& tx, const ApiKey& key);
/// Unless a use after `unless_after` is stored already.
void record_use(store::Transaction& tx, const Uuid& id, Instant at, Instant unless_after);

}  // namespace florin::merchants
