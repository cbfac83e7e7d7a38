#include "app/settlement_flags.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/operator_flags.h"
#include "app/settlement_command.h"

namespace florin::app {
namespace {

using Chosen = std::function<int()>;

constexpr const char* about_settle = R"(
A running server settles by itself every night, and makes up for the days it missed. This asks for
it now; repeating it pays nothing twice.

  florin settle                                every day up to yesterday
  florin settle --day 2026-11-21 --json
  florin settle --day 2026-11-21 --close-early today, before it has ended

Exit codes: 0 the statements are made, 1 they are not, 2 wrong usage.)";

constexpr const char* about_reconcile = R"(
Asks the gateway simulator, on a running server, for its records and compares them with the
payments made on that day. A payment that one side has not decided yet is under way, not wrong.

  florin reconcile --day 2026-11-21
  florin reconcile --merchant shop-1 --json

Exit codes: 0 both sides agree, 1 something is missing or differs, or the server could not tell,
2 wrong usage.)";

void add_settle(CLI::App& parser, Chosen& chosen) {
    auto& command =
        *parser.add_subcommand("settle", "Settle merchants now and show the statements");
    const auto options = std::make_shared<SettleOptions>();
    add_server(command, options->server);
    command.add_option("--day", options->day,
                       "The last business day to settle (default: yesterday)");
    command.add_flag("--close-early", options->early,
                     "Even if it has not ended: what comes later is in the next statement");
    command.add_flag("--json", options->json, "For programs");
    command.footer(about_settle);
    command.callback([options, &chosen] { chosen = [options] { return run_settle(*options); }; });
}

void add_reconcile(CLI::App& parser, Chosen& chosen) {
    auto& command = *parser.add_subcommand(
        "reconcile", "Compare a day's payments with the gateway's records of them");
    const auto options = std::make_shared<ReconcileOptions>();
    add_server(command, options->server);
    command.add_option("--day", options->day, "On which they were made (default: yesterday)");
    command.add_option("--merchant", options->merchant, "Whose (default: everybody's)");
    command.add_flag("--json", options->json, "For programs");
    command.footer(about_reconcile);
    command.callback(
        [options, &chosen] { chosen = [options] { return run_reconcile(*options); }; });
}

}  // namespace

void add_settlement_tools(CLI::App& parser, Chosen& chosen) {
    add_settle(parser, chosen);
    add_reconcile(parser, chosen);
}

}  // namespace florin::app
