#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/store/session.h"

namespace florin::payments {

/// Something in which a payment and its postings do not agree.
struct LedgerDifference {
    std::string payment;   // its id, or that of a posting's subject which is no payment
    std::string what;      // "captured", "refunded", "book" …; amounts in minor units
    std::string expected;  // by the payment
    std::string found;  // in the ledger, or in the payment's own row when that contradicts itself

    /// For people.
    [[nodiscard]] std::string text() const;
};

/// What a comparison of all payments with the ledger found: `differences` names them, at most
/// `ledger_differences_max`; `faults` counts all.
struct LedgerCheck {
    std::int64_t payments = 0;
    std::int64_t postings = 0;  // about payments
    std::int64_t faults = 0;
    std::vector<LedgerDifference> differences;
};
constexpr std::size_t ledger_differences_max = 100;

/// Proves on one snapshot that each payment is booked as it says and nothing else is booked: what
/// was held, released, captured and given back comes to the payment's own amounts, the fee to its
/// rate (of payments without one, to a part of what was captured), all in the book of its merchant
/// and currency. Postings of settlements are not about payments and left out. That the ledger is
/// sound in itself is `ledger::verify`'s part. Memory grows with books, not with payments: of each
/// table it holds `rows_a_page` rows.
LedgerCheck check_ledger(store::Snapshot& snapshot, std::size_t rows_a_page = 4'096);

}  // namespace florin::payments
