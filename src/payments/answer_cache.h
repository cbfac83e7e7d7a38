#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "payments/idempotency.h"
#include "platform/cache/cache.h"
#include "platform/runtime/awaitable.h"
#include "platform/store/session.h"
#include "platform/telemetry/metrics.h"

namespace florin::payments {

/// The answers of authorizations, where a replay finds them without the database. What it answers
/// was committed, in this database, to the same request: an entry says so itself, and one that does
/// not say so is none. For one loop.
class AnswerCache {
public:
    /// The references outlive this object. `answers_kept` is how long a key answers the same; 0 or
    /// less: for ever.
    AnswerCache(cache::Cache& cache, const Clock& clock, Milliseconds answers_kept,
                telemetry::Metrics& metrics);

    /// Learns which database it is for. Until then it keeps and finds nothing.
    void open(store::Snapshot& snapshot);

    struct Question {
        std::string merchant;
        std::string key;
        IdempotencyKey claim;
    };
    awaitable<std::optional<StoredAnswer>> find(Question question);

    /// Keeps what was stored under `answer_id` (UUIDv7), as long as the database keeps it. After
    /// its commit.
    void keep(const Question& question, const Uuid& answer_id, const StoredAnswer& answer);

private:
    [[nodiscard]] std::string seal(const IdempotencyKey& claim) const;

    cache::Cache& cache_;
    const Clock& clock_;
    const Milliseconds answers_kept_;
    std::string database_;  // its identity, in hexadecimal
    telemetry::Counter hits_;
    telemetry::Counter misses_;
};

}  // namespace florin::payments
