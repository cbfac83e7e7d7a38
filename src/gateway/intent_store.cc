#include "gateway/intent_store.h"

#include <array>

namespace florin::gateway {
namespace {

using store::Blob;
using store::Rows;
using store::Sql;

#define INTENT_COLUMNS                                                                             \
    "id, reservation_id, user_id, amount, currency, method, scenario, planned, state, created_at," \
    " updated_at, processed_at, expires_at, due_at, refunded, webhook_url, metadata, trace_id"

constexpr Sql insert_sql("INSERT INTO gateway_intent (" INTENT_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " INTENT_COLUMNS " FROM gateway_intent WHERE id = ?");
constexpr Sql update_sql(
    "UPDATE gateway_intent SET state = ?, updated_at = ?, processed_at = ?, due_at = ?, refunded = "
    "? WHERE id = ?");
constexpr Sql update_due_sql(
    "UPDATE gateway_intent SET state = ?, updated_at = ?, processed_at = ?, due_at = ?"
    " WHERE id = ? AND due_at = ?");
constexpr Sql due_sql(
    "SELECT " INTENT_COLUMNS
    " FROM gateway_intent WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?");
constexpr Sql next_due_sql("SELECT min(due_at) FROM gateway_intent WHERE due_at IS NOT NULL");

// One text for each choice of index. The state is filtered while reading: pages of a rare state
// read more rows, up to the limit their caller sets.
constexpr Sql list_all("SELECT " INTENT_COLUMNS
                       " FROM gateway_intent WHERE id < ? ORDER BY id DESC");
constexpr Sql list_user("SELECT " INTENT_COLUMNS
                        " FROM gateway_intent WHERE user_id = ? AND id < ? ORDER BY id DESC");
constexpr Sql list_reservation(
    "SELECT " INTENT_COLUMNS
    " FROM gateway_intent WHERE reservation_id = ? AND id < ? ORDER BY id DESC");

constexpr Sql insert_refund_sql(
    "INSERT INTO gateway_refund (id, intent_id, amount, reason, created_at) VALUES (?,?,?,?,?)");
constexpr Sql refunds_sql(
    "SELECT id, amount, reason, created_at FROM gateway_refund WHERE intent_id = ? ORDER BY id");

constexpr Sql prune_refunds_sql(
    "DELETE FROM gateway_refund WHERE intent_id IN"
    " (SELECT id FROM gateway_intent WHERE id < ? AND due_at IS NULL ORDER BY id LIMIT ?)");
constexpr Sql prune_sql(
    "DELETE FROM gateway_intent WHERE id IN"
    " (SELECT id FROM gateway_intent WHERE id < ? AND due_at IS NULL ORDER BY id LIMIT ?)");

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
    return intent;
}

Uuid after_all_ids() {
    Uuid id;
    id.bytes.fill(0xFF);
    return id;
}

Rows open_list(store::Snapshot& snapshot, const IntentFilter& filter, const Uuid& older_than) {
    if (!filter.reservation_id.empty())
        return snapshot.query(list_reservation, filter.reservation_id, older_than);
    if (!filter.user_id.empty()) return snapshot.query(list_user, filter.user_id, older_than);
    return snapshot.query(list_all, older_than);
}

bool matches(const IntentFilter& filter, const PaymentIntent& intent) {
    return (filter.user_id.empty() || filter.user_id == intent.user_id) &&
           (!filter.state || *filter.state == intent.state);
}

int count(store::Snapshot& snapshot, const IntentFilter& filter) {
    int total = 0;
    int seen = 0;
    auto rows = open_list(snapshot, filter, after_all_ids());
    while (total < count_max && seen < scan_max && rows.next()) {
        ++seen;
        const bool counts =
            (filter.user_id.empty() || filter.user_id == rows.text(2)) &&
            (!filter.state || static_cast<std::int64_t>(*filter.state) == rows.integer(8));
        if (counts) ++total;
    }
    return total;
}

}  // namespace

void insert_intent(store::Transaction& tx, const PaymentIntent& i) {
    tx.execute(insert_sql, i.id, i.reservation_id, i.user_id, i.amount.minor,
               i.amount.currency.code(), i.method, static_cast<int>(i.scenario),
               static_cast<int>(i.planned), static_cast<int>(i.state), i.created_at, i.updated_at,
               i.processed_at, i.expires_at, i.due_at, i.refunded, i.webhook_url, Blob{i.metadata},
               i.trace_id);
}

std::optional<PaymentIntent> find_intent(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(find_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_intent(rows);
}

void update_intent(store::Transaction& tx, const PaymentIntent& i) {
    tx.execute(update_sql, static_cast<int>(i.state), i.updated_at, i.processed_at, i.due_at,
               i.refunded, i.id);
}

bool update_due_intent(store::Transaction& tx, const PaymentIntent& i, Instant due_before) {
    return tx.execute(update_due_sql, static_cast<int>(i.state), i.updated_at, i.processed_at,
                      i.due_at, i.id, due_before) == 1;
}

std::vector<PaymentIntent> due_intents(store::Snapshot& snapshot, Instant now, int limit) {
    std::vector<PaymentIntent> due;
    auto rows = snapshot.query(due_sql, now, limit);
    while (rows.next()) due.push_back(read_intent(rows));
    return due;
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
    auto rows = open_list(snapshot, filter, filter.older_than.value_or(after_all_ids()));
    while (rows.next()) {
        if (static_cast<int>(page.intents.size()) == filter.limit || ++scanned > scan_max) {
            page.more = true;
            break;
        }
        PaymentIntent intent = read_intent(rows);
        page.cursor = intent.id;
        if (!matches(filter, intent) || skip-- > 0) continue;
        page.intents.push_back(std::move(intent));
    }
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
