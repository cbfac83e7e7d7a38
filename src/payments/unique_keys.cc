#include "payments/unique_keys.h"

#include "platform/base/require.h"

namespace florin::payments {
namespace {

using store::Blob;
using store::Sql;

constexpr Sql take_sql(
    "INSERT IGNORE INTO merchant_idempotency_key (digest, fingerprint, answer_id, payment_id)"
    " VALUES (?,?,?,?)");
constexpr Sql find_sql(
    "SELECT fingerprint, answer_id, payment_id FROM merchant_idempotency_key WHERE digest = ?");

}  // namespace

std::optional<UsedKey> UniqueKeys::find(store::Snapshot& snapshot, std::string_view digest) {
    auto rows = snapshot.query(find_sql, Blob{digest});
    if (!rows.next()) return std::nullopt;
    return UsedKey{std::string(digest), std::string(rows.blob(0)), rows.uuid(1), rows.uuid(2)};
}

std::optional<UsedKey> UniqueKeys::take(store::Transaction& tx, const UsedKey& key) {
    if (tx.execute(take_sql, Blob{key.digest}, Blob{key.fingerprint}, key.answer_id, key.payment) ==
        1) {
        return std::nullopt;
    }
    auto used = find(tx, key.digest);
    require(used.has_value(), "a key that cannot be stored is there");
    return used;
}

}  // namespace florin::payments
