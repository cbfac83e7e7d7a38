#pragma once

#include <string>
#include <vector>

#include "app/admin_client.h"

/// The commands for what a running server could not do by itself: dead letters of consumers, and
/// webhooks that no receiver took (the group "webhooks").
namespace florin::app {

struct DlqListOptions {
    AdminServer server;
    std::string group;  // empty: all, webhooks included
    int limit = 50;
    bool json = false;
};
/// Prints what waits, newest first. 0 also when nothing does.
int run_dlq_list(const DlqListOptions& options);

struct DlqShowOptions {
    AdminServer server;
    std::string id;
    bool json = false;
};
/// Prints one with all there is to know about it. 0: it exists.
int run_dlq_show(const DlqShowOptions& options);

struct DlqActOptions {
    AdminServer server;
    std::vector<std::string> ids;
    std::string all_of_group;  // instead of ids
    bool json = false;
};
/// Handles messages again, sends webhooks again; the oldest first when it is a whole group. 0: all
/// of them could be.
int run_dlq_redrive(const DlqActOptions& options);
/// Gives them up for good. 0: all of them waited.
int run_dlq_discard(const DlqActOptions& options);

}  // namespace florin::app
