#include "gateway/idempotency.h"

namespace florin::gateway {
namespace {

constexpr store::Sql find_sql(
    "SELECT fingerprint, answer, created_at FROM gateway_idempotency WHERE scope = ? AND \"key\" = "
    "?");
constexpr store::Sql insert_sql(
    "INSERT INTO gateway_idempotency (scope, \"key\", fingerprint, answer, created_at)"
    " VALUES (?,?,?,?,?)");
constexpr store::Sql forget_sql("DELETE FROM gateway_idempotency WHERE scope = ? AND \"key\" = ?");
constexpr store::Sql prune_sql(
    "DELETE FROM gateway_idempotency WHERE (scope, key) IN"
    " (SELECT scope, key FROM gateway_idempotency WHERE created_at < ? ORDER BY created_at LIMIT "
    "?)",
    "DELETE FROM gateway_idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?");

}  // namespace

std::expected<std::optional<std::string>, IdempotencyConflict> earlier_answer(
    store::Transaction& tx, const IdempotencyKey& key, Instant now, Milliseconds time_to_live) {
    if (key.key.empty()) return std::nullopt;
    auto rows = tx.query(find_sql, key.scope, key.key);
    if (!rows.next()) return std::nullopt;
    if (rows.instant(2) + time_to_live <= now) {
        // Replacing it later would also replace what a twin in another process stores meanwhile.
        tx.execute(forget_sql, key.scope, key.key);
        return std::nullopt;
    }
    if (rows.blob(0) != key.fingerprint) return std::unexpected(IdempotencyConflict{});
    return std::string(rows.blob(1));
}

void remember_answer(store::Transaction& tx, const IdempotencyKey& key, std::string_view answer,
                     Instant now) {
    if (key.key.empty()) return;
    tx.execute(insert_sql, key.scope, key.key, store::Blob{key.fingerprint}, store::Blob{answer},
               now);
}

std::int64_t prune_idempotency(store::Transaction& tx, Instant before, int limit) {
    return tx.execute(prune_sql, before, limit);
}

}  // namespace florin::gateway
