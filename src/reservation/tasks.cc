#include "reservation/tasks.h"

namespace florin::reservation::tasks {
namespace {

constexpr store::Sql insert_task(
    "INSERT INTO reservation_task (event_id, reservation_id, position, topic, message_key, payload,"
    " event_at, attempts, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "INSERT IGNORE INTO reservation_task (event_id, reservation_id, position, topic, message_key,"
    " payload, event_at, attempts, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
constexpr store::Sql select_due(
    "SELECT event_id, reservation_id, position, topic, message_key, payload, event_at, attempts,"
    " due_at FROM reservation_task AS task WHERE due_at <= ? AND NOT EXISTS"
    " (SELECT 1 FROM reservation_task AS earlier WHERE"
    " earlier.reservation_id = task.reservation_id AND earlier.position < task.position)"
    " ORDER BY due_at LIMIT ?");
constexpr store::Sql update_task(
    "UPDATE reservation_task SET attempts = ?, due_at = ? WHERE event_id = ?");
constexpr store::Sql delete_task("DELETE FROM reservation_task WHERE event_id = ?");
constexpr store::Sql count_tasks("SELECT COUNT(*) FROM reservation_task");

Task task_of(const store::Rows& rows) {
    Task task;
    task.message.event_id = rows.uuid(0);
    task.reservation_id = rows.text(1);
    task.message.position = rows.integer(2);
    task.message.topic = rows.text(3);
    task.message.key = rows.text(4);
    task.message.payload = rows.text(5);
    task.message.at = rows.instant(6);
    task.attempts = static_cast<int>(rows.integer(7));
    task.due = rows.instant(8);
    return task;
}

}  // namespace

void insert(store::Transaction& tx, const Task& task) {
    const broker::Message& message = task.message;
    tx.execute(insert_task, message.event_id, task.reservation_id, message.position, message.topic,
               message.key, message.payload, message.at, task.attempts, task.due);
}

std::vector<Task> due(store::Snapshot& snapshot, Instant now, int limit) {
    std::vector<Task> found;
    auto rows = snapshot.query(select_due, now, limit);
    while (rows.next()) found.push_back(task_of(rows));
    return found;
}

void put_off(store::Transaction& tx, const Uuid& id, int attempts, Instant due) {
    tx.execute(update_task, attempts, due, id);
}

bool remove(store::Transaction& tx, const Uuid& id) {
    return tx.execute(delete_task, id) > 0;
}

std::int64_t count(store::Snapshot& snapshot) {
    auto rows = snapshot.query(count_tasks);
    return rows.next() ? rows.integer(0) : 0;
}

}  // namespace florin::reservation::tasks
