#include "platform/kafka/handled_events.h"

#include "platform/broker/offsets.h"

namespace florin::kafka::handled_events {
namespace {

constexpr store::Sql insert_one(
    "INSERT INTO consumer_handled (consumer_group, event_id, handled_at) VALUES (?, ?, ?)"
    " ON CONFLICT DO NOTHING",
    "INSERT IGNORE INTO consumer_handled (consumer_group, event_id, handled_at) VALUES (?, ?, ?)");
constexpr store::Sql delete_one(
    "DELETE FROM consumer_handled WHERE consumer_group = ? AND event_id = ?");
constexpr store::Sql select_any("SELECT 1 FROM consumer_handled WHERE consumer_group = ? LIMIT 1");
constexpr store::Sql adopt_some(
    "INSERT INTO consumer_handled (consumer_group, event_id, handled_at)"
    " SELECT ?, event_id, ? FROM outbox WHERE seq > ? AND seq <= ? ON CONFLICT DO NOTHING",
    "INSERT IGNORE INTO consumer_handled (consumer_group, event_id, handled_at)"
    " SELECT ?, event_id, ? FROM outbox WHERE seq > ? AND seq <= ?");
constexpr store::Sql select_last_of(
    "SELECT MAX(seq) FROM"
    " (SELECT seq FROM outbox WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?) AS page");
constexpr store::Sql delete_offset("DELETE FROM consumer_offset WHERE consumer_group = ?");
constexpr store::Sql delete_old(
    "DELETE FROM consumer_handled WHERE (consumer_group, event_id) IN"
    " (SELECT consumer_group, event_id FROM consumer_handled WHERE handled_at < ?"
    " ORDER BY handled_at LIMIT ?)",
    "DELETE FROM consumer_handled WHERE handled_at < ? ORDER BY handled_at LIMIT ?");

}  // namespace

bool add(store::Transaction& tx, std::string_view group, const Uuid& event, Instant now) {
    return tx.execute(insert_one, group, event, now) > 0;
}

void remove(store::Transaction& tx, std::string_view group, const Uuid& event) {
    tx.execute(delete_one, group, event);
}

std::optional<std::int64_t> adopt(store::Transaction& tx, std::string_view group,
                                  std::int64_t after, int limit, Instant now) {
    const auto offset = broker::offset_of(tx, group);
    if (!offset) return std::nullopt;
    std::optional<std::int64_t> last;
    {
        auto rows = tx.query(select_last_of, after, *offset, limit);
        if (rows.next() && !rows.is_null(0)) last = rows.integer(0);
    }
    if (last) {
        tx.execute(adopt_some, group, now, after, *last);
    } else {
        tx.execute(delete_offset, group);
    }
    return last;
}

bool any_of(store::Snapshot& snapshot, std::string_view group) {
    return snapshot.query(select_any, group).next();
}

std::int64_t prune(store::Transaction& tx, Instant before, int limit) {
    return tx.execute(delete_old, before, limit);
}

}  // namespace florin::kafka::handled_events
