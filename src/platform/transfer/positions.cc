#include "platform/transfer/positions.h"

namespace florin::transfer {
namespace {

constexpr store::Sql positions_sql(
    "SELECT name, seq FROM sqlite_sequence ORDER BY name",
    "SELECT table_name, auto_increment - 1 FROM information_schema.tables"
    " WHERE table_schema = database() AND auto_increment IS NOT NULL ORDER BY table_name");

}  // namespace

Positions positions_of(store::Snapshot& snapshot, const LeftOut& left_out) {
    Positions positions;
    auto rows = snapshot.query(positions_sql);
    while (rows.next()) {
        if (!left_out.tables.contains(rows.text(0)))
            positions.emplace(rows.text(0), rows.integer(1));
    }
    return positions;
}

}  // namespace florin::transfer
