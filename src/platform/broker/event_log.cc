#include "platform/broker/event_log.h"

#include <algorithm>

namespace florin::broker {
namespace {

constexpr store::Sql select_rows(
    "SELECT seq, event_id, event_type, aggregate_id, created_at, payload FROM outbox"
    " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?");
constexpr store::Sql select_end("SELECT MAX(seq) FROM outbox");
constexpr store::Sql select_first_after(
    "SELECT created_at FROM outbox WHERE seq > ? ORDER BY seq LIMIT 1");
constexpr store::Sql count_after("SELECT COUNT(*) FROM outbox WHERE seq > ?");

Message message_of(const store::Rows& rows) {
    Message message;
    message.position = rows.integer(0);
    message.event_id = rows.uuid(1);
    message.topic = rows.text(2);
    message.key = rows.text(3);
    message.at = rows.instant(4);
    message.payload = rows.text(5);
    return message;
}

}  // namespace

// Topics are chosen here and not by SQL: an index over event types would cost every event a page,
// and most rows of the log are wanted by somebody.
LogPage read_log(store::Snapshot& snapshot, const std::vector<std::string>& topics,
                 const LogRange& range) {
    LogPage page;
    page.position = range.after;
    std::size_t bytes = 0;
    auto rows = snapshot.query(select_rows, range.after, range.until, range.rows_max);
    while (page.messages.size() < range.messages_max && rows.next()) {
        if (topics.empty() || std::ranges::find(topics, rows.text(2)) != topics.end()) {
            bytes += rows.text(5).size();
            if (bytes > range.bytes_max && !page.messages.empty()) break;
            page.messages.push_back(message_of(rows));
        }
        page.position = rows.integer(0);
    }
    page.end = std::max(end_of_log(snapshot), page.position);
    return page;
}

Backlog backlog_after(store::Snapshot& snapshot, std::int64_t position) {
    Backlog backlog;
    backlog.end = std::max(end_of_log(snapshot), position);
    backlog.events = backlog.end - position;
    if (backlog.events == 0) return backlog;
    {
        auto rows = snapshot.query(select_first_after, position);
        if (rows.next()) backlog.oldest = rows.instant(0);
    }
    if (backlog.events > backlog_counted_max) return backlog;
    auto rows = snapshot.query(count_after, position);
    if (rows.next()) backlog.events = rows.integer(0);
    return backlog;
}

std::int64_t end_of_log(store::Snapshot& snapshot) {
    auto rows = snapshot.query(select_end);
    return rows.next() && !rows.is_null(0) ? rows.integer(0) : 0;
}

}  // namespace florin::broker
