#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "platform/store/session.h"

namespace florin::settlement {

/// What a comparison of all statements with the ledger found. `complaints` names what is wrong, for
/// people, at most `payout_complaints_max` of them; `faults` counts all.
struct PayoutCheck {
    std::int64_t statements = 0;
    std::int64_t faults = 0;
    std::vector<std::string> complaints;
};
constexpr std::size_t payout_complaints_max = 100;

/// Proves on one snapshot that each statement adds up, that what it paid out is booked under its
/// number as it says, and that no other payout is booked. Memory does not grow with statements.
PayoutCheck check_payouts(store::Snapshot& snapshot);

}  // namespace florin::settlement
