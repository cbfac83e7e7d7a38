#include "app/operator_flags.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/database_address.h"
#include "app/dlq_command.h"
#include "app/keys_flags.h"
#include "app/ledger_command.h"
#include "app/load_settings.h"

namespace florin::app {
namespace {

using Chosen = std::function<int()>;

constexpr const char* about_dlq = R"(
What a server could not do by itself waits here: messages that a consumer could not handle,
calls that a gateway never answered (group gateway-recovery), and webhooks that no receiver
took (group webhooks).

  florin dlq list                                    what waits, newest first
  florin dlq show 0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10
  florin dlq redrive 0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10
  florin dlq redrive --all --group webhooks          the oldest first

Exit codes: 0 done, 1 something failed, 2 wrong usage.)";

constexpr const char* about_ledger = R"(
Both read the database itself, also while a server uses it; nothing is written.

  florin ledger verify --data-dir /var/lib/florin    proves every balance, chain and payment
  florin ledger show --merchant shop-1               balances and heads of its books

Exit codes: 0 all is well, 1 something is wrong or not there, 2 wrong usage.)";

void add_json(CLI::App& command, bool& json) {
    command.add_flag("--json", json, "For programs");
}

void add_dlq_list(CLI::App& dlq, Chosen& chosen) {
    auto& command = *dlq.add_subcommand("list", "Show what waits, newest first");
    const auto options = std::make_shared<DlqListOptions>();
    add_server(command, options->server);
    command.add_option("--group", options->group, "Only this consumer group, or webhooks");
    command.add_option("--limit", options->limit, "How many")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    add_json(command, options->json);
    command.callback([options, &chosen] { chosen = [options] { return run_dlq_list(*options); }; });
}

void add_dlq_show(CLI::App& dlq, Chosen& chosen) {
    auto& command = *dlq.add_subcommand("show", "Show one with its payload and what went wrong");
    const auto options = std::make_shared<DlqShowOptions>();
    add_server(command, options->server);
    command.add_option("id", options->id, "As `list` shows it")->required();
    add_json(command, options->json);
    command.callback([options, &chosen] { chosen = [options] { return run_dlq_show(*options); }; });
}

void add_dlq_redrive(CLI::App& dlq, Chosen& chosen) {
    auto& command = *dlq.add_subcommand("redrive", "Handle or send again, here and now");
    const auto options = std::make_shared<DlqActOptions>();
    add_server(command, options->server);
    auto* const ids = command.add_option("id", options->ids, "As `list` shows them");
    auto* const all = command.add_flag("--all")->description("Everything that waits in --group");
    auto* const group =
        command.add_option("--group", options->all_of_group, "A consumer group, or webhooks");
    ids->excludes(all);
    all->needs(group);
    group->needs(all);
    add_json(command, options->json);
    command.callback([options, &chosen] {
        if (options->ids.empty() && options->all_of_group.empty())
            throw CLI::RequiredError("an id, or --all --group");
        chosen = [options] { return run_dlq_redrive(*options); };
    });
}

void add_dlq_discard(CLI::App& dlq, Chosen& chosen) {
    auto& command = *dlq.add_subcommand("discard", "Give a message up for good");
    const auto options = std::make_shared<DlqActOptions>();
    add_server(command, options->server);
    command
        .add_option(
            "id", options->ids,
            "As `list` shows them; webhooks are not discarded, they go with RETENTION_HOURS")
        ->required();
    add_json(command, options->json);
    command.callback(
        [options, &chosen] { chosen = [options] { return run_dlq_discard(*options); }; });
}

void add_ledger_verify(CLI::App& ledger, Chosen& chosen) {
    auto& command =
        *ledger.add_subcommand("verify", "Prove the ledger, or name what is wrong with it");
    const auto options = std::make_shared<LedgerVerifyOptions>();
    add_database(command, options->settings);
    add_json(command, options->json);
    command.callback(
        [options, &chosen] { chosen = [options] { return run_ledger_verify(*options); }; });
}

void add_ledger_show(CLI::App& ledger, Chosen& chosen) {
    auto& command =
        *ledger.add_subcommand("show", "Show a merchant's balances or a payment's postings");
    const auto options = std::make_shared<LedgerShowOptions>();
    add_database(command, options->settings);
    command.add_option("--merchant", options->merchant, "Whose")->required();
    command.add_option("--currency", options->currency, "Only this one");
    command.add_option("--payment", options->payment, "The postings about this payment");
    add_json(command, options->json);
    command.callback(
        [options, &chosen] { chosen = [options] { return run_ledger_show(*options); }; });
}

}  // namespace

void add_server(CLI::App& command, AdminServer& server) {
    const Settings here = settings_here();
    server.url = std::string(here.server.tls_cert_file.empty() ? "http" : "https") +
                 "://localhost:" + std::to_string(here.server.http_port);
    server.token = here.server.admin_token;
    command.add_option("--url", server.url, "The server's HTTP address")->capture_default_str();
    command.add_option("--admin-token", server.token,
                       "Its ADMIN_TOKEN (default: the one that `florin config` finds here)");
    command.add_option("--ca-file", server.ca_file, "PEM file of a root to trust for https");
}

void add_database(CLI::App& command, Settings& settings) {
    settings = settings_here();
    auto* const folder =
        command
            .add_option("--data-dir", settings.storage.data_dir, "The folder of an SQLite database")
            ->capture_default_str();
    auto* const url = command.add_option_function<std::string>(
        "--db-url",
        [&settings](const std::string& given) {
            settings.database = {};
            settings.database.url = given;
            const auto address = parse_database_address(settings.database);
            if (!address) throw CLI::ValidationError("--db-url", address.error());
        },
        "mariadb://user:password@host/name (default: DB_URL, if there is one)");
    url->excludes(folder);
    folder->each([&settings](const std::string&) { settings.database = {}; });
}

void add_operator_tools(CLI::App& parser, Chosen& chosen) {
    auto& dlq = *parser.add_subcommand("dlq", "Dead letters: see them, try again, give up");
    dlq.require_subcommand(1);
    add_dlq_list(dlq, chosen);
    add_dlq_show(dlq, chosen);
    add_dlq_redrive(dlq, chosen);
    add_dlq_discard(dlq, chosen);
    dlq.footer(about_dlq);
    add_keys_tools(parser, chosen);
    auto& ledger = *parser.add_subcommand("ledger", "The ledger of merchant payments");
    ledger.require_subcommand(1);
    add_ledger_verify(ledger, chosen);
    add_ledger_show(ledger, chosen);
    ledger.footer(about_ledger);
}

}  // namespace florin::app
