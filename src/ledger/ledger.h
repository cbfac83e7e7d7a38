#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/posting.h"
#include "platform/store/session.h"

namespace florin::ledger {

/// Books a posting in the caller's transaction: entries, balances and the book's hash chain.
/// Booking a (subject, step) again is a bug of the caller and fails (`StatementRefused`); so is a
/// balance beyond 63 bits (`std::overflow_error`). Opens the book at its first posting. Returns the
/// posting's number in the book's chain.
std::int64_t post(store::Transaction& tx, const Posting& posting);

/// A posting as it is booked: its number in the book's chain from 1.
struct BookedPosting {
    Posting posting;
    std::int64_t number = 0;
    std::string hash;  // 32 bytes
};

/// All postings about one payment or statement, in the order of their steps.
std::vector<BookedPosting> postings_of(store::Snapshot& snapshot, const Uuid& subject);

/// Debits minus credits of each account, in the chart's order.
using Balances = std::array<std::int64_t, account_count>;
std::int64_t of(const Balances& balances, Account account);
/// Adds both sides of each entry; throws `std::overflow_error` when one leaves 63 bits.
void add(Balances& balances, const std::vector<Entry>& entries);

struct Book {
    std::int64_t id = 0;  // inside this database
    std::string merchant;
    Currency currency = Currency::krw();
    std::int64_t transactions = 0;
    std::string head;  // 32 bytes: the hash of the last posting
    Balances balances{};
};
/// Nothing when the merchant has no book in that currency.
std::optional<Book> book_of(store::Snapshot& snapshot, std::string_view merchant,
                            Currency currency);
/// Nothing when there is no such book.
std::optional<Book> book_numbered(store::Snapshot& snapshot, std::int64_t id);
/// Merchants that have a book, behind `after` in the order of their names.
std::vector<std::string> merchants(store::Snapshot& snapshot, std::string_view after, int limit);
/// Every book with an id above `after`, in the order of ids.
std::vector<Book> books(store::Snapshot& snapshot, std::int64_t after, int limit);

}  // namespace florin::ledger
