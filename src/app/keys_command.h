#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/admin_client.h"

/// The API keys of merchants, through the admin API of a running server.
namespace florin::app {

struct KeysCreateOptions {
    AdminServer server;
    std::string merchant;
    std::string name;
    std::vector<std::string> scopes;  // none: all of them
    int expires_days = 0;             // 0: without an end
};

/// Makes a key. Its text, which nobody can show again, is the one line on standard output; what
/// people want to know goes to standard error.
int run_keys_create(const KeysCreateOptions& options);

struct KeysListOptions {
    AdminServer server;
    std::string merchant;  // empty: of all merchants
    bool json = false;
};

/// Prints all keys, newest first.
int run_keys_list(const KeysListOptions& options);

struct KeysActOptions {
    AdminServer server;
    std::string id;
    std::optional<int> grace_hours;  // of a rotation; nothing: the server's
};

/// Prints the key that replaces `id`, as `run_keys_create` does.
int run_keys_rotate(const KeysActOptions& options);
int run_keys_revoke(const KeysActOptions& options);

}  // namespace florin::app
