#pragma once

#include "payments/used_keys.h"

namespace florin::payments {

/// Finds keys by the unique index of a database that several processes share: only the database
/// sees the keys of all of them (docs/adr/0005-idempotency-keys.md). Keeps nothing in memory.
class UniqueKeys final : public UsedKeys {
public:
    std::optional<UsedKey> find(store::Snapshot& snapshot, std::string_view digest) override;
    /// One statement for a key that is new. Waits for a twin whose transaction is still open.
    std::optional<UsedKey> take(store::Transaction& tx, const UsedKey& key) override;
};

}  // namespace florin::payments
