#include "payments/payment_store.h"

#include <algorithm>

namespace florin::payments {
namespace {

using store::Rows;
using store::Sql;

#define PAYMENT_COLUMNS                                                                         \
    "id, merchant_id, idempotency_key, amount, currency, state, captured, refunded, requested," \
    " version, gateway, gateway_reference, approval_number, failure_code, failure_message,"     \
    " reason, answer_id, attempts, due_at, requested_at, updated_at, trace_id, bucket,"         \
    " fee_basis_points"

constexpr Sql insert_sql("INSERT INTO merchant_payment (" PAYMENT_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " PAYMENT_COLUMNS " FROM merchant_payment WHERE id = ?");
constexpr Sql update_sql(
    "UPDATE merchant_payment SET state = ?, captured = ?, refunded = ?, requested = ?,"
    " version = ?, gateway_reference = ?, approval_number = ?, failure_code = ?,"
    " failure_message = ?, reason = ?, answer_id = ?, attempts = ?, due_at = ?, updated_at = ?"
    " WHERE id = ? AND version = ?");
#define DUE_PAYMENTS                                                  \
    "SELECT " PAYMENT_COLUMNS                                         \
    " FROM merchant_payment WHERE due_at IS NOT NULL AND due_at <= ?" \
    " ORDER BY due_at LIMIT ?"
constexpr Sql due_sql(DUE_PAYMENTS);
constexpr Sql claim_due_sql(DUE_PAYMENTS, DUE_PAYMENTS " FOR UPDATE SKIP LOCKED");
constexpr Sql move_due_sql(
    "UPDATE merchant_payment SET due_at = ?, attempts = ?"
    " WHERE id = ? AND version = ? AND due_at = ?");
constexpr Sql ask_again_sql("UPDATE merchant_payment SET due_at = ?, attempts = 0 WHERE id = ?");
constexpr Sql list_sql("SELECT " PAYMENT_COLUMNS
                       " FROM merchant_payment WHERE bucket = ? AND merchant_id = ? AND id < ?"
                       " ORDER BY id DESC");
constexpr Sql last_bucket_sql("SELECT max(bucket) FROM merchant_payment");
constexpr Sql bucket_below_sql("SELECT max(bucket) FROM merchant_payment WHERE bucket < ?");

constexpr Sql insert_step_sql(
    "INSERT INTO merchant_payment_step (payment_id, version, state, amount, at, detail)"
    " VALUES (?,?,?,?,?,?)");
constexpr Sql steps_sql(
    "SELECT version, state, amount, at, detail FROM merchant_payment_step WHERE payment_id = ?"
    " ORDER BY version");

Payment read_payment(const Rows& row) {
    Payment payment;
    payment.id = row.uuid(0);
    payment.merchant = row.text(1);
    payment.idempotency_key = row.text(2);
    payment.amount = row.integer(3);
    payment.currency = Currency::parse(row.text(4)).value_or(Currency::krw());
    payment.state = static_cast<State>(row.integer(5));
    payment.captured = row.integer(6);
    payment.refunded = row.integer(7);
    payment.requested = row.integer(8);
    payment.version = row.integer(9);
    payment.gateway = row.text(10);
    payment.gateway_reference = row.text(11);
    payment.approval_number = row.text(12);
    payment.failure_code = row.text(13);
    payment.failure_message = row.text(14);
    payment.reason = row.text(15);
    payment.answer_id = row.uuid(16);
    payment.attempts = static_cast<int>(row.integer(17));
    payment.due_at = row.instant_or_null(18);
    payment.requested_at = row.instant(19);
    payment.updated_at = row.instant(20);
    payment.trace_id = row.text(21);
    if (!row.is_null(23)) payment.fee_basis_points = row.integer(23);
    return payment;
}

std::vector<Payment> read_payments(Rows rows) {
    std::vector<Payment> payments;
    while (rows.next()) payments.push_back(read_payment(rows));
    return payments;
}

Uuid id_after(std::optional<Instant> at) {
    if (at) return first_uuid_at(*at);
    Uuid id;
    id.bytes.fill(0xFF);
    return id;
}

std::int64_t integer_or_zero(store::Snapshot& snapshot, const Sql& sql) {
    auto rows = snapshot.query(sql);
    return rows.next() ? rows.integer(0) : 0;
}

}  // namespace

std::int64_t last_bucket(store::Snapshot& snapshot) {
    return integer_or_zero(snapshot, last_bucket_sql);
}

void insert_payment(store::Transaction& tx, const Payment& p, std::int64_t bucket) {
    tx.execute(insert_sql, p.id, p.merchant, p.idempotency_key, p.amount, p.currency.code(),
               static_cast<int>(p.state), p.captured, p.refunded, p.requested, p.version, p.gateway,
               p.gateway_reference, p.approval_number, p.failure_code, p.failure_message, p.reason,
               p.answer_id, p.attempts, p.due_at, p.requested_at, p.updated_at, p.trace_id, bucket,
               p.fee_basis_points);
}

std::optional<Payment> find_payment(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(find_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_payment(rows);
}

bool update_payment(store::Transaction& tx, const Payment& p, std::int64_t version_before) {
    return tx.execute(update_sql, static_cast<int>(p.state), p.captured, p.refunded, p.requested,
                      p.version, p.gateway_reference, p.approval_number, p.failure_code,
                      p.failure_message, p.reason, p.answer_id, p.attempts, p.due_at, p.updated_at,
                      p.id, version_before) == 1;
}

std::vector<Payment> due_payments(store::Snapshot& snapshot, Instant now, int limit) {
    return read_payments(snapshot.query(due_sql, now, limit));
}

std::vector<Payment> claim_due_payments(store::Transaction& tx, Instant now, int limit) {
    return read_payments(tx.query(claim_due_sql, now, limit));
}

bool move_due(store::Transaction& tx, const Payment& p, Instant was_due) {
    return tx.execute(move_due_sql, p.due_at, p.attempts, p.id, p.version, was_due) == 1;
}

void ask_again(store::Transaction& tx, const Uuid& id, Instant due) {
    tx.execute(ask_again_sql, due, id);
}

void insert_step(store::Transaction& tx, const Uuid& payment, const Step& step) {
    tx.execute(insert_step_sql, payment, step.version, static_cast<int>(step.state), step.amount,
               step.at, step.detail);
}

std::vector<Step> steps_of(store::Snapshot& snapshot, const Uuid& payment) {
    std::vector<Step> steps;
    auto rows = snapshot.query(steps_sql, payment);
    while (rows.next()) {
        steps.push_back({rows.integer(0), static_cast<State>(rows.integer(1)), rows.integer(2),
                         rows.instant(3), std::string(rows.text(4))});
    }
    return steps;
}

PaymentPage list_payments(store::Snapshot& snapshot, const PaymentFilter& filter) {
    PaymentPage page;
    const Uuid oldest_id = filter.from ? first_uuid_at(*filter.from) : Uuid{};
    std::optional<std::int64_t> bucket = integer_or_zero(snapshot, last_bucket_sql);
    if (filter.after) bucket = std::min(*bucket, filter.after->bucket);
    int looked_at = 0;
    for (; bucket; bucket = store::bucket_below(snapshot, bucket_below_sql, *bucket)) {
        Uuid before = id_after(filter.until);
        if (filter.after && filter.after->bucket == *bucket)
            before = std::min(before, filter.after->id);
        auto rows = snapshot.query(list_sql, *bucket, filter.merchant, before);
        while (rows.next()) {
            const Uuid id = rows.uuid(0);
            // A bucket is older than the one before it, but for the moment of their border.
            if (id < oldest_id) break;
            const bool wanted =
                !filter.state || static_cast<std::int64_t>(*filter.state) == rows.integer(5);
            if (wanted) page.payments.push_back(read_payment(rows));
            if (++looked_at >= scan_max || static_cast<int>(page.payments.size()) == filter.limit) {
                page.next = store::BucketCursor{*bucket, id};
                return page;
            }
        }
        if (++looked_at >= scan_max) {
            page.next = store::BucketCursor{*bucket, Uuid{}};
            return page;
        }
    }
    return page;
}

}  // namespace florin::payments
