#include "settlement/collect.h"

#include <algorithm>

namespace florin::settlement {

Collection::Collection(const StoredDay& day, std::vector<Behind> behind, std::size_t books_max)
    : day_(day), books_max_(books_max), from_(day.after_place) {
    for (const auto& [book, place] : behind) {
        behind_[book] = place;
        from_ = std::min(from_, place);
    }
    if (behind.size() == books_max_) books_through_ = behind.back().book;
}

void Collection::add(const ledger::Walked& posting) {
    if (posting.book <= day_.books_after || posting.book > books_through_) return;
    const auto behind = behind_.find(posting.book);
    const std::int64_t after = behind == behind_.end() ? day_.after_place : behind->second;
    if (posting.place <= after) return;
    Collected& collected = books_[posting.book];
    if (collected.cut_at > 0) return;
    if (!collected.turnover.add(posting)) collected.cut_at = posting.place - 1;
    // One that is left out would come back with only a part of its postings: it bounds the rest.
    if (books_.size() > books_max_) {
        books_.erase(std::prev(books_.end()));
        books_through_ = books_.rbegin()->first;
    }
}

}  // namespace florin::settlement
