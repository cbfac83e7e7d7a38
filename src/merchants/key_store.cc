#include "merchants/key_store.h"

#include <algorithm>

#include "platform/base/require.h"

namespace florin::merchants {
namespace {

using store::Blob;
using store::Rows;
using store::Sql;

#define KEY_COLUMNS                                                                    \
    "id, merchant_id, name, digest, hint, scopes, created_at, expires_at, retires_at," \
    " revoked_at, last_used_at"

constexpr Sql insert_sql("INSERT INTO merchant_api_key (" KEY_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " KEY_COLUMNS " FROM merchant_api_key WHERE id = ?");
constexpr Sql find_by_digest_sql("SELECT " KEY_COLUMNS " FROM merchant_api_key WHERE digest = ?");
constexpr Sql list_sql("SELECT " KEY_COLUMNS
                       " FROM merchant_api_key WHERE id < ? ORDER BY id DESC LIMIT ?");
constexpr Sql list_of_merchant_sql("SELECT " KEY_COLUMNS
                                   " FROM merchant_api_key WHERE merchant_id = ? AND id < ?"
                                   " ORDER BY id DESC LIMIT ?");
constexpr Sql count_usable_sql(
    "SELECT count(*) FROM merchant_api_key WHERE merchant_id = ? AND revoked_at IS NULL"
    " AND (expires_at IS NULL OR expires_at > ?) AND (retires_at IS NULL OR retires_at > ?)");
constexpr Sql update_ends_sql(
    "UPDATE merchant_api_key SET retires_at = ?, revoked_at = ? WHERE id = ?");
constexpr Sql record_use_sql(
    "UPDATE merchant_api_key SET last_used_at = ? WHERE id = ?"
    " AND (last_used_at IS NULL OR last_used_at <= ?)");

Blob blob_of(const crypto::Sha256& digest) {
    return {{reinterpret_cast<const char*>(digest.data()), digest.size()}};
}

ApiKey read_key(const Rows& row) {
    ApiKey key;
    key.id = row.uuid(0);
    key.merchant = row.text(1);
    key.name = row.text(2);
    const std::string_view digest = row.blob(3);
    require(digest.size() == key.digest.size(), "a stored digest has 32 bytes");
    std::ranges::copy(digest, key.digest.begin());
    key.hint = row.text(4);
    key.scopes = Scopes::from_bits(row.integer(5));
    key.created_at = row.instant(6);
    key.expires_at = row.instant_or_null(7);
    key.retires_at = row.instant_or_null(8);
    key.revoked_at = row.instant_or_null(9);
    key.last_used_at = row.instant_or_null(10);
    return key;
}

std::optional<ApiKey> first_key(Rows rows) {
    if (!rows.next()) return std::nullopt;
    return read_key(rows);
}

Uuid greatest_id() {
    Uuid id;
    id.bytes.fill(0xFF);
    return id;
}

}  // namespace

void insert_key(store::Transaction& tx, const ApiKey& key) {
    tx.execute(insert_sql, key.id, key.merchant, key.name, blob_of(key.digest), key.hint,
               key.scopes.bits(), key.created_at, key.expires_at, key.retires_at, key.revoked_at,
               key.last_used_at);
}

std::optional<ApiKey> find_key(store::Snapshot& snapshot, const Uuid& id) {
    return first_key(snapshot.query(find_sql, id));
}

// The index compares digests byte by byte. What its time tells is part of the digest of a guess,
// and that says nothing about a key: there is no way from one to the other.
std::optional<ApiKey> find_key_by_digest(store::Snapshot& snapshot, const crypto::Sha256& digest) {
    return first_key(snapshot.query(find_by_digest_sql, blob_of(digest)));
}

std::vector<ApiKey> list_keys(store::Snapshot& snapshot, const KeyFilter& filter) {
    std::vector<ApiKey> keys;
    const Uuid before = filter.before.value_or(greatest_id());
    auto rows = filter.merchant
                    ? snapshot.query(list_of_merchant_sql, *filter.merchant, before, filter.limit)
                    : snapshot.query(list_sql, before, filter.limit);
    while (rows.next()) keys.push_back(read_key(rows));
    return keys;
}

std::int64_t count_usable_keys(store::Snapshot& snapshot, std::string_view merchant, Instant now) {
    auto rows = snapshot.query(count_usable_sql, merchant, now, now);
    return rows.next() ? rows.integer(0) : 0;
}

void update_ends(store::Transaction& tx, const ApiKey& key) {
    tx.execute(update_ends_sql, key.retires_at, key.revoked_at, key.id);
}

void record_use(store::Transaction& tx, const Uuid& id, Instant at, Instant unless_after) {
    tx.execute(record_use_sql, at, id, unless_after);
}

}  // namespace florin::merchants
