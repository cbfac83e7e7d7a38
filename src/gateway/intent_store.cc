#include "gateway/intent_store.h"

#include <algorithm>

namespace florin::gateway {
namespace {

using store::Blob;
using store::Rows;
using store::Sql;

#define INTENT_COLUMNS                                                                             \
    "id, reservation_id, user_id, amount, currency, method, scenario, planned, state, created_at," \
    " updated_at, processed_at, expires_at, due_at, refunded, webhook_url, metadata, trace_id, "   \
    "bucket"
// What no payment has yet when it is new.
#define LATER_INTENT_COLUMNS ", processing_at"

constexpr Sql insert_sql("INSERT INTO gateway_intent (" INTENT_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " INTENT_COLUMNS LATER_INTENT_COLUMNS
                       " FROM gateway_intent WHERE id = ?");
constexpr Sql update_sql(
    "UPDATE gateway_intent SET state = ?, updated_at = ?, processing_at = ?, processed_at = ?,"
    " due_at = ?, refunded = ? WHERE id = ?");
constexpr Sql update_due_sql(
    "UPDATE gateway_intent SET state = ?, updated_at = ?, processing_at = ?, processed_at = ?,"
    " due_at = ? WHERE id = ? AND due_at = ?");
#define DUE_INTENTS                               \
    "SELECT " INTENT_COLUMNS LATER_INTENT_COLUMNS \
    " FROM gateway_intent WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?"
constexpr Sql due_sql(DUE_INTENTS);
constexpr Sql claim_due_sql(DUE_INTENTS, DUE_INTENTS " FOR UPDATE SKIP LOCKED");
constexpr Sql next_due_sql("SELECT min(due_at) FROM gateway_intent WHERE due_at IS NOT NULL");

// One text for each choice of index. The state is filtered while reading: pages of a rare state
// read more rows, up to the limit their caller sets.
constexpr Sql list_all("SELECT " INTENT_COLUMNS LATER_INTENT_COLUMNS
                       " FROM gateway_intent WHERE id < ? ORDER BY id DESC");
constexpr Sql list_user("SELECT " INTENT_COLUMNS LATER_INTENT_COLUMNS
                        " FROM gateway_intent WHERE bucket = ? AND user_id = ? AND id < ?"
                        " ORDER BY id DESC");
constexpr Sql list_reservation(
    "SELECT " INTENT_COLUMNS LATER_INTENT_COLUMNS
    " FROM gateway_intent WHERE bucket = ? AND reservation_id = ? AND id < ? ORDER BY id DESC");
constexpr Sql last_bucket_sql("SELECT max(bucket) FROM gateway_intent");
constexpr Sql bucket_below_sql("SELECT max(bucket) FROM gateway_intent WHERE bucket < ?");

constexpr Sql insert_refund_sql(
    "INSERT INTO gateway_refund (id, intent_id, amount, reason, created_at) VALUES (?,?,?,?,?)");
constexpr Sql refunds_sql(
    "SELECT id, amount, reason, created_at FROM gateway_refund WHERE intent_id = ? ORDER BY id");

#define OLDEST_INTENTS \
    "SELECT id FROM gateway_intent WHERE id < ? AND due_at IS NULL ORDER BY id LIMIT ?"
constexpr Sql prune_refunds_sql("DELETE FROM gateway_refund WHERE intent_id IN (" OLDEST_INTENTS
                                ")",
                                "DELETE r FROM gateway_refund r JOIN (" OLDEST_INTENTS
                                ") oldest ON oldest.id = r.intent_id");
constexpr Sql prune_sql(
    "DELETE FROM gateway_intent WHERE id IN (" OLDEST_INTENTS ")",
    "DELETE FROM gateway_intent WHERE id < ? AND due_at IS NULL ORDER BY id LIMIT ?");
#undef OLDEST_INTENTS

PaymentIntent read_intent(const Rows& row) {
    PaymentIntent intent;
    intent.id = row.uuid(0);
    intent.reservation_id = row.text(1);
    intent.user_id = row.text(2);
    intent.amount = {row.integer(3), Currency::parse(row.text(4)).value_or(Currency::krw())};
    intent.method = static_cast<int>(row.integer(5));
    intent.scenario = static_cast<Scenario>(row.integer(6));
    intent.planned = static_cast<PaymentState>(row.integer(7));
    intent.state = static_cast<PaymentState>(row.integer(8));
    intent.created_at = row.instant(9);
    intent.updated_at = row.instant(10);
    intent.processed_at = row.instant_or_null(11);
    intent.expires_at = row.instant(12);
    intent.due_at = row.instant_or_null(13);
    intent.refunded = row.integer(14);
    intent.webhook_url = row.text(15);
    intent.metadata = row.blob(16);
    intent.trace_id = row.text(17);
    intent.processing_at = row.instant_or_null(19);
    return intent;
}

std::vector<PaymentIntent> read_intents(Rows rows) {
    std::vector<PaymentIntent> intents;
    while (rows.next()) intents.push_back(read_intent(rows));
    return intents;
}

Uuid after_all_ids() {
    Uuid id;
    id.bytes.fill(0xFF);
    return id;
}

std::int64_t integer_or_zero(store::Snapshot& snapshot, const Sql& sql) {
    auto rows = snapshot.query(sql);
    return rows.next() ? rows.integer(0) : 0;
}

/// The payments of one bucket that an index finds for `filter`, newest first.
Rows open_bucket(store::Snapshot& snapshot, const IntentFilter& filter, std::int64_t bucket,
                 const Uuid& before) {
    if (!filter.reservation_id.empty())
        return snapshot.query(list_reservation, bucket, filter.reservation_id, before);
    return snapshot.query(list_user, bucket, filter.user_id, before);
}

/// Calls `visit` with each payment behind the cursor, newest first, until it returns false. What
/// no index knows is left to `visit`.
template <class Visit>
void walk(store::Snapshot& snapshot, const IntentFilter& filter,
          const std::optional<store::BucketCursor>& after, Visit visit) {
    if (filter.reservation_id.empty() && filter.user_id.empty()) {
        const Uuid before = after ? after->id : after_all_ids();  // bound by reference
        auto rows = snapshot.query(list_all, before);
        while (rows.next() && visit(rows)) {
        }
        return;
    }
    std::optional<std::int64_t> bucket = integer_or_zero(snapshot, last_bucket_sql);
    if (after) bucket = std::min(*bucket, after->bucket);
    while (bucket) {
        const bool cut = after && after->bucket == *bucket;
        const Uuid before = cut ? after->id : after_all_ids();  // bound by reference
        auto rows = open_bucket(snapshot, filter, *bucket, before);
        while (rows.next()) {
            if (!visit(rows)) return;
        }
        bucket = store::bucket_below(snapshot, bucket_below_sql, *bucket);
    }
}

bool matches(const IntentFilter& filter, const Rows& row) {
    return (filter.user_id.empty() || filter.user_id == row.text(2)) &&
           (!filter.state || static_cast<std::int64_t>(*filter.state) == row.integer(8));
}

int count(store::Snapshot& snapshot, const IntentFilter& filter) {
    int total = 0;
    int seen = 0;
    walk(snapshot, filter, std::nullopt, [&](const Rows& row) {
        if (matches(filter, row)) ++total;
        return total < count_max && ++seen < scan_max;
    });
    return total;
}

}  // namespace

std::int64_t last_bucket(store::Snapshot& snapshot) {
    return integer_or_zero(snapshot, last_bucket_sql);
}

void insert_intent(store::Transaction& tx, const PaymentIntent& i, std::int64_t bucket) {
    tx.execute(insert_sql, i.id, i.reservation_id, i.user_id, i.amount.minor,
               i.amount.currency.code(), i.method, static_cast<int>(i.scenario),
               static_cast<int>(i.planned), static_cast<int>(i.state), i.created_at, i.updated_at,
               i.processed_at, i.expires_at, i.due_at, i.refunded, i.webhook_url, Blob{i.metadata},
               i.trace_id, bucket);
}

std::optional<PaymentIntent> find_intent(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(find_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_intent(rows);
}

void update_intent(store::Transaction& tx, const PaymentIntent& i) {
    tx.execute(update_sql, static_cast<int>(i.state), i.updated_at, i.processing_at, i.processed_at,
               i.due_at, i.refunded, i.id);
}

bool update_due_intent(store::Transaction& tx, const PaymentIntent& i, Instant due_before) {
    return tx.execute(update_due_sql, static_cast<int>(i.state), i.updated_at, i.processing_at,
                      i.processed_at, i.due_at, i.id, due_before) == 1;
}

std::vector<PaymentIntent> due_intents(store::Snapshot& snapshot, Instant now, int limit) {
    return read_intents(snapshot.query(due_sql, now, limit));
}

std::vector<PaymentIntent> claim_due_intents(store::Transaction& tx, Instant now, int limit) {
    return read_intents(tx.query(claim_due_sql, now, limit));
}

std::optional<Instant> next_due(store::Snapshot& snapshot) {
    auto rows = snapshot.query(next_due_sql);
    if (!rows.next()) return std::nullopt;
    return rows.instant_or_null(0);
}

IntentPage list_intents(store::Snapshot& snapshot, const IntentFilter& filter) {
    IntentPage page;
    page.total = count(snapshot, filter);
    int skip = filter.offset;
    int scanned = 0;
    walk(snapshot, filter, filter.after, [&](const Rows& row) {
        if (static_cast<int>(page.intents.size()) == filter.limit || ++scanned > scan_max) {
            page.more = true;
            return false;
        }
        page.cursor = store::BucketCursor{row.integer(18), row.uuid(0)};
        if (matches(filter, row) && skip-- <= 0) page.intents.push_back(read_intent(row));
        return true;
    });
    return page;
}

void insert_refund(store::Transaction& tx, const Refund& refund) {
    tx.execute(insert_refund_sql, refund.id, refund.intent, refund.amount, refund.reason,
               refund.created_at);
}

std::vector<Refund> refunds_of(store::Snapshot& snapshot, const Uuid& intent) {
    std::vector<Refund> refunds;
    auto rows = snapshot.query(refunds_sql, intent);
    while (rows.next()) {
        refunds.push_back(
            {rows.uuid(0), intent, rows.integer(1), std::string(rows.text(2)), rows.instant(3)});
    }
    return refunds;
}

std::int64_t prune_intents(store::Transaction& tx, Instant before, int limit) {
    const Uuid border = first_uuid_at(before);
    tx.execute(prune_refunds_sql, border, limit);
    return tx.execute(prune_sql, border, limit);
}

}  // namespace florin::gateway
