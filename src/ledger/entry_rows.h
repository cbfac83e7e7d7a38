#pragma once

#include <cstdint>
#include <vector>

#include "ledger/posting.h"
#include "platform/store/session.h"

namespace florin::ledger {

/// The stored lines of one posting, in their order, as they are: not judged.
std::vector<Entry> entries_of(store::Snapshot& snapshot, const Uuid& subject, std::int64_t step);

}  // namespace florin::ledger
