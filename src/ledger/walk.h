#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ledger/posting.h"
#include "platform/store/session.h"

/// The postings of all books in the order they were booked. A place is where a posting stands among
/// them: it ascends, and never changes.
namespace florin::ledger {

/// 0 before anything is booked.
std::int64_t last_place(store::Snapshot& snapshot);

struct Placed {
    std::int64_t place = 0;
    Instant at;
};
/// The first posting behind `place`.
std::optional<Placed> first_behind(store::Snapshot& snapshot, std::int64_t place);

/// The last place of those in (after, until] that were booked before `border`. Searches by halving:
/// where the times of neighbours are not in order, around the border, it may end at any of them.
/// What says it was booked after `now` had a wrong clock, and counts as booked before.
std::int64_t last_before(store::Snapshot& snapshot, std::int64_t after, std::int64_t until,
                         Instant border, Instant now);

struct Walked {
    std::int64_t place = 0;
    std::int64_t book = 0;
    std::int64_t number = 0;  // in its book's chain
    Movement movement = Movement::Authorize;
    std::vector<Entry> entries;  // only of captures and refunds
};
/// The first `limit` postings in (after, until].
std::vector<Walked> walk(store::Snapshot& snapshot, std::int64_t after, std::int64_t until,
                         int limit);

}  // namespace florin::ledger
