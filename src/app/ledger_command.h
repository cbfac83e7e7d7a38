#pragma once

#include <filesystem>
#include <string>

/// The commands that look at the ledger in the database itself, read-only: also while a server
/// serves from it.
namespace florin::app {

struct LedgerVerifyOptions {
    std::filesystem::path data_dir;
    bool json = false;
};

/// Proves the ledger and every payment in it, and names what is wrong. 0: nothing is.
int run_ledger_verify(const LedgerVerifyOptions& options);

struct LedgerShowOptions {
    std::filesystem::path data_dir;
    std::string merchant;
    std::string currency;  // empty: all of the merchant's
    std::string payment;   // empty: the balances
    bool json = false;
};

/// Prints a merchant's balances, or the postings about one payment. 0: there were some.
int run_ledger_show(const LedgerShowOptions& options);

}  // namespace florin::app
