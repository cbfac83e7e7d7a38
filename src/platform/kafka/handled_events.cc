#include "platform/kafka/handled_events.h"

#include <algorithm>
#include <chrono>

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
constexpr store::Sql select_place(
    "SELECT position, elsewhere FROM consumer_offset WHERE consumer_group = ?");
constexpr store::Sql leave_log(
    "UPDATE consumer_offset SET elsewhere = 1, handled_before = ? WHERE consumer_group = ?");
constexpr store::Sql select_handled_before(
    "SELECT handled_before FROM consumer_offset WHERE consumer_group = ? AND elsewhere = 1");
constexpr store::Sql select_oldest_after(
    "SELECT MIN(created_at) FROM"
    " (SELECT created_at FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?) AS page");
constexpr store::Sql delete_old(
    "DELETE FROM consumer_handled WHERE (consumer_group, event_id) IN"
    " (SELECT consumer_group, event_id FROM consumer_handled WHERE handled_at < ?"
    " ORDER BY handled_at LIMIT ?)",
    "DELETE FROM consumer_handled WHERE handled_at < ? ORDER BY handled_at LIMIT ?");

// Events are committed a little after their time, and machines' clocks differ a little. Shorter
// than any event is kept in the log: what is younger is noted there.
constexpr std::chrono::minutes late_by_most{10};
// Events stand in the log nearly in the order of their times.
constexpr int disorder_rows_max = 4'096;

/// When the oldest of the next events behind `position` happened; nothing when there is none.
std::optional<Instant> oldest_after(store::Snapshot& snapshot, std::int64_t position,
                                    int rows_max) {
    auto rows = snapshot.query(select_oldest_after, position, rows_max);
    return rows.next() ? rows.instant_or_null(0) : std::nullopt;
}

/// Every event before that has been handled by a group that has come to `position`: it is older
/// than those in the log that have not, and than those which are still to come. To the millisecond,
/// as Kafka's times are.
Instant all_handled_before(store::Snapshot& snapshot, std::int64_t position, Instant now) {
    const Instant to_come = now - late_by_most;
    const auto open = oldest_after(snapshot, position, disorder_rows_max);
    return std::chrono::floor<Milliseconds>(std::min(open.value_or(to_come), to_come));
}

/// Where a group has stopped that still reads the own log.
std::optional<std::int64_t> place_of(store::Snapshot& snapshot, std::string_view group) {
    auto rows = snapshot.query(select_place, group);
    if (!rows.next() || rows.integer(1) != 0) return std::nullopt;
    return rows.integer(0);
}

}  // namespace

bool add(store::Transaction& tx, std::string_view group, const Uuid& event, Instant now) {
    return tx.execute(insert_one, group, event, now) > 0;
}

void remove(store::Transaction& tx, std::string_view group, const Uuid& event) {
    tx.execute(delete_one, group, event);
}

std::optional<std::int64_t> adopt(store::Transaction& tx, std::string_view group,
                                  std::int64_t after, int limit, Instant now) {
    const auto offset = place_of(tx, group);
    if (!offset) return std::nullopt;
    std::optional<std::int64_t> last;
    {
        auto rows = tx.query(select_last_of, after, *offset, limit);
        if (rows.next() && !rows.is_null(0)) last = rows.integer(0);
    }
    if (last) {
        tx.execute(adopt_some, group, now, after, *last);
    } else {
        tx.execute(leave_log, all_handled_before(tx, *offset, now), group);
    }
    return last;
}

std::optional<Instant> handled_before(store::Snapshot& snapshot, std::string_view group) {
    auto rows = snapshot.query(select_handled_before, group);
    return rows.next() ? rows.instant_or_null(0) : std::nullopt;
}

bool any_of(store::Snapshot& snapshot, std::string_view group) {
    return snapshot.query(select_any, group).next();
}

std::int64_t prune(store::Transaction& tx, Instant before, int limit) {
    const auto oldest = oldest_after(tx, 0, 1);
    return tx.execute(delete_old, oldest ? std::min(before, *oldest - late_by_most) : before,
                      limit);
}

}  // namespace florin::kafka::handled_events
