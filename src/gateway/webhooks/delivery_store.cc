#include "gateway/webhooks/delivery_store.h"

#include <algorithm>

#include "gateway/webhooks/delivery_results.h"

namespace florin::gateway {
namespace {

using store::Rows;
using store::Sql;

#define DELIVERY_COLUMNS                                                                        \
    "id, intent_id, url, origin, reservation_id, payment_status, amount, currency, simulated, " \
    "state,"                                                                                    \
    " attempts, created_at, due_at, trace_id, delivered_at, http_status, duration_ms, "         \
    "attempts_before_resend"

constexpr Sql insert_sql("INSERT INTO webhook_delivery (" DELIVERY_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " DELIVERY_COLUMNS " FROM webhook_delivery WHERE id = ?");
constexpr Sql of_intent_sql("SELECT " DELIVERY_COLUMNS
                            " FROM webhook_delivery WHERE intent_id = ? ORDER BY id");
constexpr Sql list_sql("SELECT " DELIVERY_COLUMNS
                       " FROM webhook_delivery WHERE id < ? ORDER BY id DESC LIMIT ?");
// Pending ones are few among many: their ids come from the lanes' index, not from the table.
constexpr Sql list_pending_sql(
    "SELECT " DELIVERY_COLUMNS
    " FROM webhook_delivery WHERE id IN"
    " (SELECT id FROM webhook_delivery INDEXED BY webhook_delivery_lane"
    "  WHERE state = 0 AND id < ? ORDER BY id DESC LIMIT ?) ORDER BY id DESC",
    "SELECT " DELIVERY_COLUMNS
    " FROM webhook_delivery FORCE INDEX (webhook_delivery_state)"
    " WHERE state = 0 AND id < ? ORDER BY id DESC LIMIT ?");
constexpr Sql list_delivered_sql(
    "SELECT " DELIVERY_COLUMNS
    " FROM webhook_delivery WHERE state = 1 AND id < ? ORDER BY id DESC LIMIT ?");
constexpr Sql list_dead_sql(
    "SELECT " DELIVERY_COLUMNS
    " FROM webhook_delivery WHERE state = 2 AND id < ? ORDER BY id DESC LIMIT ?");
constexpr Sql attempts_sql(
    "SELECT number, at, duration_ms, http_status, error FROM webhook_attempt WHERE delivery_id = ? "
    "ORDER BY number");
// An earlier success becomes one attempt among the others: the row will tell of the next one.
constexpr Sql keep_success_sql(
    "REPLACE INTO webhook_attempt (delivery_id, number, at, duration_ms, http_status, "
    "error) SELECT id, attempts, delivered_at, duration_ms, http_status, '' FROM webhook_delivery"
    " WHERE id = ? AND delivered_at IS NOT NULL");
constexpr Sql resend_sql(
    "UPDATE webhook_delivery SET state = 0, due_at = ?, delivered_at = NULL,"
    " attempts_before_resend = attempts WHERE id = ?");
constexpr Sql delivered_sql(
    "UPDATE webhook_delivery SET state = 1, attempts = ?, delivered_at = ?, http_status = ?, "
    "duration_ms = ?"
    " WHERE id = ? AND state = 0");
constexpr Sql failed_sql(
    "UPDATE webhook_delivery SET state = ?, attempts = ?, due_at = ?, http_status = ?, duration_ms "
    "= ?"
    " WHERE id = ? AND state = 0");
constexpr Sql attempt_sql(
    "REPLACE INTO webhook_attempt (delivery_id, number, at, duration_ms, http_status, error)"
    " VALUES (?,?,?,?,?,?)");
constexpr Sql due_sql("SELECT " DELIVERY_COLUMNS
                      " FROM webhook_delivery WHERE state = 0 AND origin = ? AND due_at <= ?"
                      " ORDER BY due_at, id LIMIT ?");
constexpr Sql lane_next_sql(
    "SELECT min(due_at) FROM webhook_delivery WHERE state = 0 AND origin = ? AND due_at > ?");
constexpr Sql next_origin_sql(
    "SELECT origin, due_at FROM webhook_delivery INDEXED BY webhook_delivery_lane"
    " WHERE state = 0 AND origin > ? ORDER BY origin, due_at LIMIT 1",
    "SELECT origin, due_at FROM webhook_delivery FORCE INDEX (webhook_delivery_lane)"
    " WHERE state = 0 AND origin > ? ORDER BY origin, due_at LIMIT 1");
#define OLDEST_DELIVERIES \
    "SELECT id FROM webhook_delivery WHERE id < ? AND state <> 0 ORDER BY id LIMIT ?"
constexpr Sql prune_attempts_sql(
    "DELETE FROM webhook_attempt WHERE delivery_id IN (" OLDEST_DELIVERIES ")",
    "DELETE a FROM webhook_attempt a JOIN (" OLDEST_DELIVERIES
    ") oldest ON oldest.id = a.delivery_id");
constexpr Sql prune_sql(
    "DELETE FROM webhook_delivery WHERE id IN (" OLDEST_DELIVERIES ")",
    "DELETE FROM webhook_delivery WHERE id < ? AND state <> 0 ORDER BY id LIMIT ?");
#undef OLDEST_DELIVERIES

WebhookDelivery read_delivery(const Rows& row) {
    WebhookDelivery delivery;
    delivery.id = row.uuid(0);
    delivery.intent = row.uuid(1);
    delivery.url = row.text(2);
    delivery.origin = row.text(3);
    delivery.reservation_id = row.text(4);
    delivery.payment_status = static_cast<int>(row.integer(5));
    delivery.amount = {row.integer(6), Currency::parse(row.text(7)).value_or(Currency::krw())};
    delivery.simulated = row.integer(8) != 0;
    delivery.state = static_cast<WebhookDelivery::State>(row.integer(9));
    delivery.attempts = static_cast<int>(row.integer(10));
    delivery.created_at = row.instant(11);
    delivery.due_at = row.instant(12);
    delivery.trace_id = row.text(13);
    delivery.attempts_before_resend = static_cast<int>(row.integer(17));
    return delivery;
}

/// The delivery's own row tells of the attempt that succeeded, the attempt table of the others.
WebhookRecord read_record(store::Snapshot& snapshot, const Rows& row) {
    WebhookRecord record{read_delivery(row), {}};
    auto attempts = snapshot.query(attempts_sql, record.delivery.id);
    while (attempts.next()) {
        record.attempts.push_back({static_cast<int>(attempts.integer(0)), attempts.instant(1),
                                   attempts.integer(2), static_cast<int>(attempts.integer(3)),
                                   std::string(attempts.text(4))});
    }
    if (const auto delivered_at = row.instant_or_null(14)) {
        record.attempts.push_back({record.delivery.attempts, *delivered_at, row.integer(16),
                                   static_cast<int>(row.integer(15)), ""});
    }
    return record;
}

Rows open_list(store::Snapshot& snapshot, std::optional<WebhookDelivery::State> state,
               const Uuid& before, int limit) {
    if (!state) return snapshot.query(list_sql, before, limit);
    switch (*state) {
        case WebhookDelivery::State::Pending:
            return snapshot.query(list_pending_sql, before, limit);
        case WebhookDelivery::State::Delivered:
            return snapshot.query(list_delivered_sql, before, limit);
        case WebhookDelivery::State::Dead:
            return snapshot.query(list_dead_sql, before, limit);
    }
    return snapshot.query(list_sql, before, limit);
}

}  // namespace

void insert_delivery(store::Transaction& tx, const WebhookDelivery& d) {
    tx.execute(insert_sql, d.id, d.intent, d.url, d.origin, d.reservation_id, d.payment_status,
               d.amount.minor, d.amount.currency.code(), d.simulated ? 1 : 0,
               static_cast<int>(d.state), d.attempts, d.created_at, d.due_at, d.trace_id,
               std::nullopt, std::nullopt, std::nullopt, 0);
}

std::vector<WebhookRecord> deliveries_of(store::Snapshot& snapshot, const Uuid& intent) {
    std::vector<WebhookRecord> records;
    auto rows = snapshot.query(of_intent_sql, intent);
    while (rows.next()) records.push_back(read_record(snapshot, rows));
    return records;
}

std::optional<WebhookRecord> find_delivery(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(find_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_record(snapshot, rows);
}

std::vector<WebhookRecord> list_deliveries(store::Snapshot& snapshot,
                                           std::optional<WebhookDelivery::State> state,
                                           std::optional<Uuid> before, int limit) {
    Uuid after_all;
    after_all.bytes.fill(0xFF);
    std::vector<WebhookRecord> records;
    const Uuid older_than = before.value_or(after_all);  // bound by reference while rows are read
    auto rows = open_list(snapshot, state, older_than, limit);
    while (rows.next()) records.push_back(read_record(snapshot, rows));
    return records;
}

std::expected<WebhookDelivery, ResendRefusal> resend_delivery(store::Transaction& tx,
                                                              const Uuid& id, Instant now) {
    auto rows = tx.query(find_sql, id);
    if (!rows.next()) return std::unexpected(ResendRefusal::NotFound);
    WebhookDelivery delivery = read_delivery(rows);
    if (delivery.state == WebhookDelivery::State::Pending)
        return std::unexpected(ResendRefusal::StillPending);
    delivery.state = WebhookDelivery::State::Pending;
    delivery.due_at = now;
    delivery.attempts_before_resend = delivery.attempts;
    tx.execute(keep_success_sql, id);
    tx.execute(resend_sql, now, id);
    return delivery;
}

std::int64_t prune_deliveries(store::Transaction& tx, Instant before, int limit) {
    const Uuid border = first_uuid_at(before);
    tx.execute(prune_attempts_sql, border, limit);
    return tx.execute(prune_sql, border, limit);
}

void record_result(store::Transaction& tx, const DeliveryResult& result) {
    const WebhookAttempt& attempt = result.attempt;
    if (result.state == WebhookDelivery::State::Delivered) {
        tx.execute(delivered_sql, attempt.number, attempt.at, attempt.http_status,
                   attempt.duration_ms, result.id);
        return;
    }
    tx.execute(failed_sql, static_cast<int>(result.state), attempt.number, result.due_at,
               attempt.http_status, attempt.duration_ms, result.id);
    tx.execute(attempt_sql, result.id, attempt.number, attempt.at, attempt.duration_ms,
               attempt.http_status, attempt.error);
}

LaneContent read_lane(store::Snapshot& snapshot, const std::string& origin, Instant now,
                      int limit) {
    LaneContent content;
    {
        auto rows = snapshot.query(due_sql, origin, now, limit);
        while (rows.next()) content.due.push_back(read_delivery(rows));
    }
    auto next = snapshot.query(lane_next_sql, origin, now);
    if (next.next()) content.next_due = next.instant_or_null(0);
    return content;
}

// One index seek a receiver: the number of deliveries does not matter.
PendingOrigins pending_origins(store::Snapshot& snapshot, Instant now, std::size_t limit) {
    PendingOrigins pending;
    std::string last;
    while (pending.due.size() < limit) {
        auto rows = snapshot.query(next_origin_sql, last);
        if (!rows.next()) break;
        last = rows.text(0);
        const Instant due = rows.instant(1);
        if (due <= now) {
            pending.due.push_back(last);
        } else {
            pending.next_due = pending.next_due ? std::min(*pending.next_due, due) : due;
        }
    }
    return pending;
}

}  // namespace florin::gateway
