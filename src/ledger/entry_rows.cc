#include "ledger/entry_rows.h"

namespace florin::ledger {
namespace {

constexpr store::Sql entries_sql(
    "SELECT debit, credit, amount FROM ledger_line WHERE subject_id = ? AND step = ?"
    " ORDER BY line");

}  // namespace

std::vector<Entry> entries_of(store::Snapshot& snapshot, const Uuid& subject, std::int64_t step) {
    std::vector<Entry> entries;
    auto rows = snapshot.query(entries_sql, subject, step);
    while (rows.next()) {
        entries.push_back({static_cast<Account>(rows.integer(0)),
                           static_cast<Account>(rows.integer(1)), rows.integer(2)});
    }
    return entries;
}

}  // namespace florin::ledger
