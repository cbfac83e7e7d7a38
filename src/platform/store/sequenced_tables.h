#pragma once

#include <string>
#include <vector>

namespace florin::store {

/// Tables that consumers follow by their row numbers: of each, a row that commits later has the
/// greater number, whichever process wrote it.
inline std::vector<std::string> sequenced_tables() {
    return {"outbox", "ledger_transaction"};
}

}  // namespace florin::store
