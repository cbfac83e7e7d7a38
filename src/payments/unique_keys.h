#pragma once

#include <atomic>

#include "payments/used_keys.h"

namespace florin::payments {

/// Finds keys by the unique index of a database that several processes share: only the database
/// sees the keys of all of them (docs/adr/0005-idempotency-keys.md).
///
/// A key is nearly always new. So it is inserted without a look, together with its neighbours, and
/// the database refuses the batch when one was there; then, and for the next thousand keys, each is
/// looked at. Clients that repeat many requests cost their neighbours a message a key, not a batch.
class UniqueKeys final : public UsedKeys {
public:
    std::optional<UsedKey> find(store::Snapshot& snapshot, std::string_view digest) override;
    /// Waits for a twin whose transaction is still open.
    std::optional<UsedKey> take(store::Transaction& tx, const UsedKey& key) override;

private:
    std::optional<UsedKey> look_and_take(store::Transaction& tx, const UsedKey& key);

    std::atomic<int> looks_left_{0};
};

}  // namespace florin::payments
