#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/store/session.h"
#include "settlement/business_day.h"
#include "settlement/statement.h"

namespace florin::settlement {

/// A business day on its way to its statements.
struct StoredDay {
    BusinessDay day;
    std::int64_t after_place = 0;
    std::int64_t through_place = 0;
    std::int64_t books_after = 0;  // books up to this one have their statement
    std::int64_t statements = 0;
    std::optional<Instant> closed_at;
};
/// The latest one: only that can be open.
std::optional<StoredDay> last_day(store::Snapshot& snapshot);
void insert_day(store::Transaction& tx, const StoredDay& day);
/// Stores how far the day has come.
void update_day(store::Transaction& tx, const StoredDay& day);

void insert_statement(store::Transaction& tx, const Statement& statement);
std::optional<Statement> find_statement(store::Snapshot& snapshot, const Uuid& id);
/// The latest one of a book.
std::optional<Statement> last_statement(store::Snapshot& snapshot, std::int64_t book);

struct StatementFilter {
    std::string merchant;  // empty: all
    std::optional<BusinessDay> from;
    std::optional<BusinessDay> through;
    std::optional<Uuid> before;  // the last one of the page before
    int limit = 20;
};
/// Newest first.
std::vector<Statement> list_statements(store::Snapshot& snapshot, const StatementFilter& filter);

/// A book whose last statement ended before its day did.
struct Behind {
    std::int64_t book = 0;
    std::int64_t place = 0;  // where the next one goes on
};
/// Books above `after`, in the order of ids.
std::vector<Behind> books_behind(store::Snapshot& snapshot, std::int64_t after, int limit);
void set_behind(store::Transaction& tx, const Behind& behind);
void clear_behind(store::Transaction& tx, std::int64_t book);

}  // namespace florin::settlement
