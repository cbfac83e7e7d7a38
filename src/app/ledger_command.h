#pragma once

#include <string>

#include "app/settings.h"

/// The commands that look at the ledger in the database itself, read-only: also while a server
/// serves from it.
namespace florin::app {

struct LedgerVerifyOptions {
    Settings settings;  // whose database
    bool json = false;
};

/// Proves the ledger and every payment in it, and names what is wrong. 0: nothing is.
int run_ledger_verify(const LedgerVerifyOptions& options);

struct LedgerShowOptions {
    Settings settings;  // whose database
    std::string merchant;
    std::string currency;  // empty: all of the merchant's
    std::string payment;   // empty: the balances
    bool json = false;
};

/// Prints a merchant's balances, or the postings about one payment. 0: there were some.
int run_ledger_show(const LedgerShowOptions& options);

}  // namespace florin::app
