#pragma once

#include <string>
#include <vector>

#include "platform/mariadb/address.h"
#include "platform/transfer/export_file.h"

namespace florin::app {

/// What must be the same of a database wherever it moves: heads of the ledger's chains, its trial
/// balance, the last event. Throws `std::runtime_error` when the ledger is not well.
transfer::Proofs transfer_proofs(store::Snapshot& snapshot);

/// Names of the processes that use a MariaDB database now. Takes some seconds when any has
/// registered.
std::vector<std::string> users_of(const mariadb::Address& address);

}  // namespace florin::app
