#include "reservation/inbox.h"

namespace florin::reservation::inbox {
namespace {

constexpr store::Sql select_one("SELECT 1 FROM reservation_inbox WHERE event_key = ?");
constexpr store::Sql insert_one(
    "INSERT INTO reservation_inbox (event_key, done_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
    "INSERT IGNORE INTO reservation_inbox (event_key, done_at) VALUES (?, ?)");
constexpr store::Sql delete_old(
    "DELETE FROM reservation_inbox WHERE event_key IN"
    " (SELECT event_key FROM reservation_inbox WHERE done_at < ? ORDER BY done_at LIMIT ?)",
    "DELETE FROM reservation_inbox WHERE done_at < ? ORDER BY done_at LIMIT ?");

}  // namespace

bool has(store::Snapshot& snapshot, std::string_view event_key) {
    return snapshot.query(select_one, event_key).next();
}

void add(store::Transaction& tx, std::string_view event_key, Instant now) {
    tx.execute(insert_one, event_key, now);
}

std::int64_t prune(store::Transaction& tx, Instant before, int limit) {
    return tx.execute(delete_old, before, limit);
}

}  // namespace florin::reservation::inbox
