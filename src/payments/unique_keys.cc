#include "payments/unique_keys.h"

#include "platform/base/require.h"

namespace florin::payments {
namespace {

using store::Blob;
using store::Sql;

#define KEY_VALUES                                                                \
    " INTO merchant_idempotency_key (digest, fingerprint, answer_id, payment_id)" \
    " VALUES (?,?,?,?)"
constexpr Sql insert_sql("INSERT" KEY_VALUES);
constexpr Sql insert_if_new_sql("INSERT IGNORE" KEY_VALUES);
#undef KEY_VALUES
constexpr Sql find_sql(
    "SELECT fingerprint, answer_id, payment_id FROM merchant_idempotency_key WHERE digest = ?");

constexpr int looks_after_a_repeat = 1'000;

}  // namespace

std::optional<UsedKey> UniqueKeys::find(store::Snapshot& snapshot, std::string_view digest) {
    auto rows = snapshot.query(find_sql, Blob{digest});
    if (!rows.next()) return std::nullopt;
    return UsedKey{std::string(digest), std::string(rows.blob(0)), rows.uuid(1), rows.uuid(2)};
}

std::optional<UsedKey> UniqueKeys::take(store::Transaction& tx, const UsedKey& key) {
    if (tx.repeated() || looks_left_.load(std::memory_order_relaxed) > 0)
        return look_and_take(tx, key);
    tx.execute(insert_sql, Blob{key.digest}, Blob{key.fingerprint}, key.answer_id, key.payment);
    return std::nullopt;
}

std::optional<UsedKey> UniqueKeys::look_and_take(store::Transaction& tx, const UsedKey& key) {
    looks_left_.fetch_sub(1, std::memory_order_relaxed);
    const auto inserted = tx.execute(insert_if_new_sql, Blob{key.digest}, Blob{key.fingerprint},
                                     key.answer_id, key.payment);
    if (inserted == 1) return std::nullopt;
    auto used = find(tx, key.digest);
    require(used.has_value(), "a key that cannot be stored is there");
    looks_left_.store(looks_after_a_repeat, std::memory_order_relaxed);
    return used;
}

}  // namespace florin::payments
