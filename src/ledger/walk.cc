#include "ledger/walk.h"

#include "ledger/entry_rows.h"

namespace florin::ledger {
namespace {

using store::Sql;

constexpr Sql last_sql("SELECT coalesce(max(seq), 0) FROM ledger_transaction");
constexpr Sql first_sql(
    "SELECT seq, at FROM ledger_transaction WHERE seq > ? ORDER BY seq LIMIT 1");
constexpr Sql walk_sql(
    "SELECT seq, book_id, number, movement, subject_id, step FROM ledger_transaction"
    " WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?");

}  // namespace

std::int64_t last_place(store::Snapshot& snapshot) {
    auto rows = snapshot.query(last_sql);
    return rows.next() ? rows.integer(0) : 0;
}

std::optional<Placed> first_behind(store::Snapshot& snapshot, std::int64_t place) {
    auto rows = snapshot.query(first_sql, place);
    if (!rows.next()) return std::nullopt;
    return Placed{rows.integer(0), rows.instant(1)};
}

std::int64_t last_before(store::Snapshot& snapshot, std::int64_t after, std::int64_t until,
                         Instant border, Instant now) {
    // All up to `inside` count as before; what stands behind `outside` does not.
    std::int64_t inside = after;
    std::int64_t outside = until;
    while (inside < outside) {
        const std::int64_t middle = inside + (outside - inside + 1) / 2;
        const auto posting = first_behind(snapshot, middle - 1);
        if (!posting || (posting->at >= border && posting->at <= now)) {
            outside = middle - 1;
        } else {
            inside = middle;
        }
    }
    return inside;
}

std::vector<Walked> walk(store::Snapshot& snapshot, std::int64_t after, std::int64_t until,
                         int limit) {
    std::vector<Walked> found;
    auto rows = snapshot.query(walk_sql, after, until, limit);
    while (rows.next()) {
        auto& walked = found.emplace_back();
        walked.place = rows.integer(0);
        walked.book = rows.integer(1);
        walked.number = rows.integer(2);
        walked.movement = static_cast<Movement>(rows.integer(3));
        if (walked.movement == Movement::Capture || walked.movement == Movement::Refund)
            walked.entries = entries_of(snapshot, rows.uuid(4), rows.integer(5));
    }
    return found;
}

}  // namespace florin::ledger
