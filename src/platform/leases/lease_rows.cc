#include "platform/leases/lease_rows.h"

namespace florin::leases {
namespace {

using store::Sql;

constexpr Sql instances_sql(
    "SELECT id, beat, name, started_at FROM instance ORDER BY id LIMIT 1000");
constexpr Sql beat_sql("UPDATE instance SET beat = beat + 1 WHERE id = ?");
constexpr Sql register_sql("REPLACE INTO instance (id, beat, name, started_at) VALUES (?,?,?,?)");
constexpr Sql remove_silent_sql("DELETE FROM instance WHERE id = ? AND beat = ?");
constexpr Sql remove_sql("DELETE FROM instance WHERE id = ?");
constexpr Sql free_all_sql("DELETE FROM work_lease WHERE holder = ?");
constexpr Sql take_sql("INSERT INTO work_lease (name, holder) VALUES (?,?) ON CONFLICT DO NOTHING",
                       "INSERT IGNORE INTO work_lease (name, holder) VALUES (?,?)");
constexpr Sql free_sql("DELETE FROM work_lease WHERE name = ? AND holder = ?");
constexpr Sql held_sql("SELECT name FROM work_lease WHERE holder = ?");
constexpr Sql find_sql("SELECT 1 FROM work_lease WHERE name = ?");

}  // namespace

std::vector<Instance> instances(store::Snapshot& snapshot) {
    std::vector<Instance> found;
    auto rows = snapshot.query(instances_sql);
    while (rows.next()) {
        found.push_back(
            {rows.uuid(0), rows.integer(1), std::string(rows.text(2)), rows.instant(3)});
    }
    return found;
}

bool beat(store::Transaction& tx, const Uuid& id) {
    return tx.execute(beat_sql, id) == 1;
}

void register_instance(store::Transaction& tx, const Instance& instance) {
    tx.execute(register_sql, instance.id, instance.beat, instance.name, instance.started_at);
}

bool remove_if_silent(store::Transaction& tx, const Uuid& id, std::int64_t beat_seen) {
    if (tx.execute(remove_silent_sql, id, beat_seen) == 0) return false;
    tx.execute(free_all_sql, id);
    return true;
}

void remove(store::Transaction& tx, const Uuid& id) {
    tx.execute(free_all_sql, id);
    tx.execute(remove_sql, id);
}

bool take(store::Transaction& tx, std::string_view work, const Uuid& holder) {
    return tx.execute(take_sql, work, holder) == 1;
}

void free_work(store::Transaction& tx, std::string_view work, const Uuid& holder) {
    tx.execute(free_sql, work, holder);
}

Names held_by(store::Snapshot& snapshot, const Uuid& holder) {
    Names names;
    auto rows = snapshot.query(held_sql, holder);
    while (rows.next()) names.emplace(rows.text(0));
    return names;
}

Names free_among(store::Snapshot& snapshot, const Names& wanted) {
    Names names;
    for (const auto& name : wanted) {
        auto rows = snapshot.query(find_sql, name);
        if (!rows.next()) names.insert(name);
    }
    return names;
}

}  // namespace florin::leases
