#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/store/session.h"

namespace florin::ledger {

/// What a proof of the ledger found. `complaints` names each thing that is wrong, for people, at
/// most `complaints_max` of them; `faults` counts all.
struct Verification {
    std::int64_t books = 0;
    std::int64_t transactions = 0;
    std::int64_t entries = 0;
    std::int64_t faults = 0;
    std::vector<std::string> complaints;
};
constexpr std::size_t complaints_max = 100;

/// Proves on one snapshot: each book's trial balance is zero, balances equal their entries, numbers
/// have no gaps, the hash chain is intact and ends at the book's head, no entry stands without its
/// transaction. Memory grows with books, not with transactions, of which it holds
/// `postings_a_page`.
Verification verify(store::Snapshot& snapshot, int postings_a_page = 2'000);

}  // namespace florin::ledger
