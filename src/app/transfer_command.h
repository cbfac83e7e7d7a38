#pragma once

#include <string>

#include "app/settings.h"
#include "platform/transfer/table.h"

namespace florin::app {

struct TransferOptions {
    Settings settings;       // whose database
    std::string file = "-";  // "-": standard output or input
    bool force = false;      // though others may be using the database
};

/// Writes the whole database to a file. 0: it did.
int run_export(const TransferOptions& options);
/// Makes a new database of such a file, and proves that it is the same. 0: it is.
int run_import(const TransferOptions& options);

/// What does not move from one database to another.
const transfer::LeftOut& transfer_left_out();

}  // namespace florin::app
