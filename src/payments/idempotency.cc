#include "payments/idempotency.h"

#include "platform/crypto/hmac.h"

namespace florin::payments {
namespace {

using store::Sql;

constexpr Sql keep_sql("INSERT INTO merchant_idempotency_answer (id, status, body) VALUES (?,?,?)");
constexpr Sql keep_if_none_sql(
    "INSERT INTO merchant_idempotency_answer (id, status, body) VALUES (?,?,?)"
    " ON CONFLICT (id) DO NOTHING",
    "INSERT IGNORE INTO merchant_idempotency_answer (id, status, body) VALUES (?,?,?)");
constexpr Sql find_answer_sql("SELECT status, body FROM merchant_idempotency_answer WHERE id = ?");
constexpr Sql prune_sql(
    "DELETE FROM merchant_idempotency_answer WHERE id IN"
    " (SELECT id FROM merchant_idempotency_answer WHERE id < ? ORDER BY id LIMIT ?)",
    "DELETE FROM merchant_idempotency_answer WHERE id < ? ORDER BY id LIMIT ?");

std::string text_of(const std::array<std::uint8_t, 16>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What a key that may have been used before means for the request that brings it now.
EarlierUse judge(store::Snapshot& snapshot, const std::optional<UsedKey>& used,
                 const IdempotencyKey& key, Instant answers_kept_since) {
    EarlierUse use;
    if (!used) return use;
    use.answer_id = used->answer_id;
    use.payment = used->payment;
    if (used->fingerprint != key.fingerprint) {
        use.kind = EarlierUse::Kind::OtherRequest;
    } else if (auto answer = find_answer(snapshot, use.answer_id)) {
        use.kind = EarlierUse::Kind::Answered;
        use.answer = std::move(*answer);
    } else if (time_of(use.answer_id) < answers_kept_since) {
        use.kind = EarlierUse::Kind::AnswerForgotten;
    } else {
        use.kind = EarlierUse::Kind::NoAnswerYet;
    }
    return use;
}

}  // namespace

IdempotencyKey make_key(std::string_view merchant, Operation operation, std::string_view key,
                        std::string_view request) {
    if (key.empty()) return {};
    std::string named;
    named.reserve(merchant.size() + key.size() + 16);
    named.append(name_of(operation)).append(1, '\0').append(merchant).append(1, '\0').append(key);
    return {text_of(crypto::fingerprint("merchant-idempotency-key", named)),
            text_of(crypto::fingerprint("merchant-request", request))};
}

EarlierUse find_key(store::Snapshot& snapshot, UsedKeys& keys, const IdempotencyKey& key,
                    Instant answers_kept_since) {
    return judge(snapshot, keys.find(snapshot, key.digest), key, answers_kept_since);
}

EarlierUse claim_key(store::Transaction& tx, UsedKeys& keys, const IdempotencyKey& key,
                     const Uuid& answer_id, const Uuid& payment, Instant answers_kept_since) {
    if (key.digest.empty()) return {};
    return judge(tx, keys.take(tx, {key.digest, key.fingerprint, answer_id, payment}), key,
                 answers_kept_since);
}

void keep_answer(store::Transaction& tx, const Uuid& answer_id, const StoredAnswer& answer) {
    tx.execute(keep_sql, answer_id, static_cast<std::int64_t>(answer.status), answer.body);
}

void keep_answer_if_none(store::Transaction& tx, const Uuid& answer_id,
                         const StoredAnswer& answer) {
    tx.execute(keep_if_none_sql, answer_id, static_cast<std::int64_t>(answer.status), answer.body);
}

std::optional<StoredAnswer> find_answer(store::Snapshot& snapshot, const Uuid& answer_id) {
    auto rows = snapshot.query(find_answer_sql, answer_id);
    if (!rows.next()) return std::nullopt;
    return StoredAnswer{static_cast<unsigned>(rows.integer(0)), std::string(rows.text(1))};
}

std::int64_t prune_answers(store::Transaction& tx, Instant before, int limit) {
    return tx.execute(prune_sql, first_uuid_at(before), limit);
}

}  // namespace florin::payments
