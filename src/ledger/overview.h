#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"

namespace florin::ledger {

/// A merchant's books, by currency.
std::vector<Book> books_of(store::Snapshot& snapshot, std::string_view merchant);

/// One hash over every book (merchant, currency, number of transactions, head), in hexadecimal:
/// who notes it down can tell later whether this state of the ledger was another one.
std::string fingerprint(store::Snapshot& snapshot);

}  // namespace florin::ledger
