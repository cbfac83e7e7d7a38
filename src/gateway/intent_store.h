#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/payment_intent.h"
#include "platform/store/buckets.h"
#include "platform/store/session.h"

namespace florin::gateway {

/// The highest bucket that is stored; 0 when there is none.
std::int64_t last_bucket(store::Snapshot& snapshot);

void insert_intent(store::Transaction& tx, const PaymentIntent& intent, std::int64_t bucket);
std::optional<PaymentIntent> find_intent(store::Snapshot& snapshot, const Uuid& id);

/// Stores what a command changed (state, times, refunded).
void update_intent(store::Transaction& tx, const PaymentIntent& intent);
/// The same, but only while the stored intent is still due at `due_before`: false, and nothing
/// stored, when somebody else has decided in the meantime.
bool update_due_intent(store::Transaction& tx, const PaymentIntent& intent, Instant due_before);

/// Intents due at `now` or earlier, earliest first.
std::vector<PaymentIntent> due_intents(store::Snapshot& snapshot, Instant now, int limit);
/// The same for somebody who decides them in this transaction: without those that another process
/// has taken in one of its own, and nobody else gets these before the commit.
std::vector<PaymentIntent> claim_due_intents(store::Transaction& tx, Instant now, int limit);
/// The earliest due time of all, if anything is due at all.
std::optional<Instant> next_due(store::Snapshot& snapshot);

struct IntentFilter {
    std::string user_id;         // empty: any
    std::string reservation_id;  // empty: any
    std::optional<PaymentState> state;
    std::optional<store::BucketCursor> after;
    int offset = 0;
    int limit = 20;
};

struct IntentPage {
    std::vector<PaymentIntent> intents;  // newest first
    bool more = false;
    std::optional<store::BucketCursor> cursor;  // to go on after this page
    int total = 0;                              // counted up to `count_max`
};
constexpr int count_max = 10'000;
constexpr int scan_max = 20'000;  // rows one page may look at when a filter has no index

IntentPage list_intents(store::Snapshot& snapshot, const IntentFilter& filter);

struct Refund {
    Uuid id;
    Uuid intent;
    std::int64_t amount = 0;
    std::string reason;
    Instant created_at;
};
void insert_refund(store::Transaction& tx, const Refund& refund);
std::vector<Refund> refunds_of(store::Snapshot& snapshot, const Uuid& intent);

/// Deletes up to `limit` intents older than `before` that wait for nothing, with their refunds.
std::int64_t prune_intents(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::gateway
