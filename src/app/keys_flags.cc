#include "app/keys_flags.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/keys_command.h"
#include "app/operator_flags.h"

namespace florin::app {
namespace {

using Chosen = std::function<int()>;

constexpr const char* about_keys = R"(
The keys merchants pay with where MERCHANT_AUTH is keys, as in production. They are made on a
running server; its ADMIN_TOKEN, where it has one, comes from --admin-token or the environment.

  florin keys create --merchant shop-1 --name "till 4"
  florin keys create --merchant shop-1 --scope payments:read --expires-days 90
  florin keys list --merchant shop-1
  florin keys rotate 0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10
  florin keys revoke 0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10

A key is shown once, alone on standard output: KEY=$(florin keys create --merchant shop-1)

Exit codes: 0 done, 1 something failed, 2 wrong usage.)";

void add_create(CLI::App& keys, Chosen& chosen) {
    auto& command = *keys.add_subcommand("create", "Make a key and show it, this once");
    const auto options = std::make_shared<KeysCreateOptions>();
    add_server(command, options->server);
    command.add_option("--merchant", options->merchant, "Whose")->required();
    command.add_option("--name", options->name, "What it is for, for people");
    command.add_option("--scope", options->scopes, "What it may do, once for each (default: all)")
        ->check(CLI::IsMember({"payments:read", "payments:write", "refunds:write"}));
    command
        .add_option("--expires-days", options->expires_days, "Its life (default: without an end)")
        ->check(CLI::Range(1, 3'650));
    command.callback(
        [options, &chosen] { chosen = [options] { return run_keys_create(*options); }; });
}

void add_list(CLI::App& keys, Chosen& chosen) {
    auto& command = *keys.add_subcommand("list", "Show keys, newest first, never their text");
    const auto options = std::make_shared<KeysListOptions>();
    add_server(command, options->server);
    command.add_option("--merchant", options->merchant, "Whose (default: everybody's)");
    command.add_flag("--json", options->json, "For programs");
    command.callback(
        [options, &chosen] { chosen = [options] { return run_keys_list(*options); }; });
}

void add_rotate(CLI::App& keys, Chosen& chosen) {
    auto& command =
        *keys.add_subcommand("rotate", "Make a key that replaces another, which stays for a while");
    const auto options = std::make_shared<KeysActOptions>();
    add_server(command, options->server);
    command.add_option("id", options->id, "As `list` shows it")->required();
    command
        .add_option("--grace-hours", options->grace_hours,
                    "How long the old one stays (default: the server's MERCHANT_KEY_GRACE_HOURS)")
        ->check(CLI::Range(0, 720));
    command.callback(
        [options, &chosen] { chosen = [options] { return run_keys_rotate(*options); }; });
}

void add_revoke(CLI::App& keys, Chosen& chosen) {
    auto& command = *keys.add_subcommand("revoke", "End a key at once, for good");
    const auto options = std::make_shared<KeysActOptions>();
    add_server(command, options->server);
    command.add_option("id", options->id, "As `list` shows it")->required();
    command.callback(
        [options, &chosen] { chosen = [options] { return run_keys_revoke(*options); }; });
}

}  // namespace

void add_keys_tools(CLI::App& parser, Chosen& chosen) {
    auto& keys = *parser.add_subcommand("keys", "API keys of merchants: make, rotate, revoke");
    keys.require_subcommand(1);
    add_create(keys, chosen);
    add_list(keys, chosen);
    add_rotate(keys, chosen);
    add_revoke(keys, chosen);
    keys.footer(about_keys);
}

}  // namespace florin::app
