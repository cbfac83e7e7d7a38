#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/posting.h"
#include "platform/store/session.h"

namespace florin::ledger {

/// Books a posting in the caller's transaction: entries, balances and the book's hash chain.
/// Booking a (subject, step) again is a bug of the caller and fails (`StatementRefused`). Opens the
/// book at its first posting.
void post(store::Transaction& tx, const Posting& posting);

/// A posting as it is booked: its number in the book's chain from 1.
struct BookedPosting {
    Posting posting;
    std::int64_t number = 0;
    std::string hash;  // 32 bytes
};

/// All postings about one payment or statement, in the order of their steps.
std::vector<BookedPosting> postings_of(store::Snapshot& snapshot, const Uuid& subject);

struct Balance {
    Account account;
    std::int64_t minor = 0;  // debits minus credits
};
struct BookState {
    std::string merchant;
    Currency currency = Currency::krw();
    std::int64_t transactions = 0;
    std::string head;  // 32 bytes: the hash of the last posting
    std::vector<Balance> balances;
};
/// Nothing when the merchant has no book in that currency.
std::optional<BookState> book_of(store::Snapshot& snapshot, std::string_view merchant,
                                 Currency currency);
std::vector<BookState> books(store::Snapshot& snapshot, std::string_view after_merchant, int limit);

}  // namespace florin::ledger
