#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/base/uuid.h"
#include "platform/store/session.h"

namespace florin::payments {

/// A key that was used.
struct UsedKey {
    std::string digest;       // 16 bytes
    std::string fingerprint;  // of the request that came with it, 16 bytes
    Uuid answer_id;
    Uuid payment;
};

/// Port: which idempotency keys were used, found by their digest. Keys are kept for ever. One
/// object a process, shared by all who take keys. Thread-safe.
class UsedKeys {
public:
    virtual ~UsedKeys() = default;

    virtual std::optional<UsedKey> find(store::Snapshot& snapshot, std::string_view digest) = 0;
    /// Takes the key and answers nothing; or answers how it was used before, and stores nothing.
    virtual std::optional<UsedKey> take(store::Transaction& tx, const UsedKey& key) = 0;
    /// Reads what look-ups need in memory. Whoever comes first does it: calling it early only saves
    /// the first payment the wait.
    virtual void open(store::Snapshot& /*snapshot*/) {}
};

}  // namespace florin::payments
