#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "payments/payment.h"
#include "platform/store/buckets.h"
#include "platform/store/session.h"

namespace florin::payments {

/// The highest bucket that is stored; 0 when there is none.
std::int64_t last_bucket(store::Snapshot& snapshot);

void insert_payment(store::Transaction& tx, const Payment& payment, std::int64_t bucket);
std::optional<Payment> find_payment(store::Snapshot& snapshot, const Uuid& id);
/// Stores what changed since `version_before`: false, and nothing stored, when somebody else has
/// changed the payment in the meantime.
bool update_payment(store::Transaction& tx, const Payment& payment, std::int64_t version_before);

/// Payments a worker should look after, earliest first.
std::vector<Payment> due_payments(store::Snapshot& snapshot, Instant now, int limit);
/// The same for a worker that moves their due time in this transaction: without those that another
/// process is claiming.
std::vector<Payment> claim_due_payments(store::Transaction& tx, Instant now, int limit);
/// Stores only `due_at` and `attempts`, if the payment is still as it was read and due at
/// `was_due`: of several workers one wins. Whether it was this one.
bool move_due(store::Transaction& tx, const Payment& payment, Instant was_due);
/// Makes a payment that is under way due at `due`, with all its attempts.
void ask_again(store::Transaction& tx, const Uuid& id, Instant due);

/// One thing that happened to a payment.
struct Step {
    std::int64_t version = 0;
    State state = State::Authorized;
    std::int64_t amount = 0;  // of this step, minor units
    Instant at;
    std::string detail;  // the merchant's reason or the gateway's failure; may be empty
};
void insert_step(store::Transaction& tx, const Uuid& payment, const Step& step);
/// After the authorization, oldest first.
std::vector<Step> steps_of(store::Snapshot& snapshot, const Uuid& payment);

struct PaymentFilter {
    std::string merchant;
    std::optional<State> state;
    std::optional<Instant> from;   // created at or after
    std::optional<Instant> until;  // created before
    std::optional<store::BucketCursor> after;
    int limit = 20;
};
struct PaymentPage {
    std::vector<Payment> payments;  // newest first
    std::optional<store::BucketCursor> next;
};
constexpr int scan_max =
    20'000;  // rows one page may look at; a page may be short and still have a next one

PaymentPage list_payments(store::Snapshot& snapshot, const PaymentFilter& filter);

}  // namespace florin::payments
