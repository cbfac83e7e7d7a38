#include "platform/broker/offsets.h"

#include "platform/broker/event_log.h"

namespace florin::broker {
namespace {

constexpr store::Sql select_offset("SELECT position FROM consumer_offset WHERE consumer_group = ?");
constexpr store::Sql update_offset(
    "UPDATE consumer_offset SET position = ?, elsewhere = 0 WHERE consumer_group = ?");
constexpr store::Sql move_sql(
    "UPDATE consumer_offset SET position = ? WHERE consumer_group = ? AND position = ?");
constexpr store::Sql insert_offset(
    "INSERT INTO consumer_offset (consumer_group, position) VALUES (?, ?)");

}  // namespace

std::optional<std::int64_t> offset_of(store::Snapshot& snapshot, std::string_view group) {
    auto rows = snapshot.query(select_offset, group);
    if (!rows.next()) return std::nullopt;
    return rows.integer(0);
}

void set_offset(store::Transaction& tx, std::string_view group, std::int64_t position) {
    if (tx.execute(update_offset, position, group) == 0) tx.execute(insert_offset, group, position);
}

bool move_offset(store::Transaction& tx, std::string_view group, std::int64_t from,
                 std::int64_t to) {
    return tx.execute(move_sql, to, group, from) == 1;
}

std::int64_t begin_at(store::Transaction& tx, std::string_view group,
                      ConsumerOptions::Start start) {
    if (const auto offset = offset_of(tx, group)) return *offset;
    const bool from_end = start == ConsumerOptions::Start::End;
    const std::int64_t offset = from_end ? end_of_log(tx) : 0;
    set_offset(tx, group, offset);
    return offset;
}

}  // namespace florin::broker
