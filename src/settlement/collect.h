#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "settlement/statement.h"
#include "settlement/statement_store.h"

namespace florin::settlement {

/// Sums up the postings of one day, given in their order, for the next books that need a statement:
/// the `books_max` lowest ids behind `day.books_after`. However many books a day has moved, memory
/// holds a few numbers for so many.
class Collection {
public:
    /// `behind`: books behind `day.books_after` that go on before the day begins, `books_max` at
    /// most.
    Collection(const StoredDay& day, std::vector<Behind> behind, std::size_t books_max);

    /// The postings to add stand in (from, day.through_place].
    [[nodiscard]] std::int64_t from() const { return from_; }
    void add(const ledger::Walked& posting);

    struct Collected {
        Turnover turnover;
        std::int64_t cut_at = 0;  // not 0: what is behind that place did not fit any more
    };
    /// By book; those that moved no money too.
    [[nodiscard]] std::map<std::int64_t, Collected>& books() { return books_; }
    /// There are books behind the last one of these.
    [[nodiscard]] bool more() const { return books_through_ < every_book; }

private:
    static constexpr std::int64_t every_book = std::numeric_limits<std::int64_t>::max();

    const StoredDay day_;
    const std::size_t books_max_;
    std::map<std::int64_t, std::int64_t> behind_;  // where each goes on
    std::int64_t from_;
    std::int64_t books_through_ = every_book;  // those above are left to the next collection
    std::map<std::int64_t, Collected> books_;
};

}  // namespace florin::settlement
