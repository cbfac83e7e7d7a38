#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "payments/payment.h"
#include "payments/used_keys.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/store/session.h"

namespace florin::payments {

/// A merchant's key for one operation, digested, and what it asked: the same key must come with the
/// same request.
struct IdempotencyKey {
    std::string digest;  // 16 bytes: of merchant, operation and key; empty: the client sent none
    std::string fingerprint;  // 16 bytes: of the request without its key
};
IdempotencyKey make_key(std::string_view merchant, Operation operation, std::string_view key,
                        std::string_view request);

/// What a client was told, word for word.
struct StoredAnswer {
    unsigned status = 200;
    std::string body;
};

/// What is known of a key.
struct EarlierUse {
    enum class Kind : std::uint8_t {
        None,            // new: it is this request's now
        Answered,        // `answer` is what it got
        OtherRequest,    // it came with another request before
        NoAnswerYet,     // a twin is under way, or crashed on its way: `answer_id` will hold its
                         // answer
        AnswerForgotten  // answered longer ago than answers are kept
    };
    Kind kind = Kind::None;
    StoredAnswer answer;
    Uuid answer_id;
    Uuid payment;
};

/// Takes the key for `payment`, or says how it was used before. `answer_id` (UUIDv7) is where its
/// answer will stand.
EarlierUse claim_key(store::Transaction& tx, UsedKeys& keys, const IdempotencyKey& key,
                     const Uuid& answer_id, const Uuid& payment, Instant answers_kept_since);
/// The same look-up without taking it.
EarlierUse find_key(store::Snapshot& snapshot, UsedKeys& keys, const IdempotencyKey& key,
                    Instant answers_kept_since);

/// Keeps the answer to a request whose `answer_id` nobody else knows yet.
void keep_answer(store::Transaction& tx, const Uuid& answer_id, const StoredAnswer& answer);
/// Keeps it unless the client was told another one before.
void keep_answer_if_none(store::Transaction& tx, const Uuid& answer_id, const StoredAnswer& answer);
std::optional<StoredAnswer> find_answer(store::Snapshot& snapshot, const Uuid& answer_id);

/// Deletes up to `limit` answers older than `before`; how many it deleted. Keys are kept for ever.
std::int64_t prune_answers(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::payments
