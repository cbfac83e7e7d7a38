#pragma once

#include <string>

#include "app/admin_client.h"

/// The commands about what merchants are paid: both ask a running server.
namespace florin::app {

struct SettleOptions {
    AdminServer server;
    std::string day;  // "2026-11-21"; empty: the last one that has ended
    bool early = false;
    bool json = false;
};
/// Has every business day up to that one settled and prints its statements. 0: they are made.
int run_settle(const SettleOptions& options);

struct ReconcileOptions {
    AdminServer server;
    std::string day;       // empty: yesterday
    std::string merchant;  // empty: all
    bool json = false;
};
/// Compares the day's payments with what their gateway has recorded and prints what differs. 0:
/// nothing is missing on either side, and nothing differs.
int run_reconcile(const ReconcileOptions& options);

}  // namespace florin::app
