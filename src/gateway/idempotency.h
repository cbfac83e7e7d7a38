#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "platform/base/time.h"
#include "platform/store/session.h"

namespace florin::gateway {

/// A client's key for one operation, and what it asked: the same key must come with the same
/// request.
struct IdempotencyKey {
    std::string scope;        // operation and whose it is
    std::string key;          // empty: the client sent none
    std::string fingerprint;  // of the request without its key, 16 bytes
};

/// The key was used before for another request.
struct IdempotencyConflict {};

/// The answer the key got before, if it did and it is younger than `time_to_live`.
std::expected<std::optional<std::string>, IdempotencyConflict> earlier_answer(
    store::Transaction& tx, const IdempotencyKey& key, Instant now, Milliseconds time_to_live);

/// Keeps the answer, in the transaction of the effect. Nothing when there is no key.
void remember_answer(store::Transaction& tx, const IdempotencyKey& key, std::string_view answer,
                     Instant now);

/// Deletes up to `limit` records older than `before`; how many it deleted.
std::int64_t prune_idempotency(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::gateway
