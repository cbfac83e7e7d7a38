#include "app/transfer_flags.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/operator_flags.h"
#include "app/transfer_command.h"

namespace florin::app {
namespace {

using Chosen = std::function<int()>;
using Command = int (*)(const TransferOptions&);

constexpr const char* about_export = R"(
While no server uses the database. The file holds every payment and secret digest: keep it safe.

  florin export --data-dir /var/lib/florin --file florin.jsonl
  florin export --data-dir /var/lib/florin | florin import --db-url mariadb://…

Exit codes: 0 done, 1 something failed, 2 wrong usage.)";

constexpr const char* about_import = R"(
Into a folder without a database, or an empty MariaDB database. What is not whole is refused, and
what was begun is not used by any server: run it again.

  florin import --data-dir /var/lib/florin-new --file florin.jsonl
  florin import --db-url mariadb://florin:secret@db/florin --file florin.jsonl

Exit codes: 0 done and proven, 1 something failed, 2 wrong usage.)";

void add(CLI::App& parser, const char* name, const char* help, const char* about, Command run,
         Chosen& chosen) {
    auto& command = *parser.add_subcommand(name, help);
    const auto options = std::make_shared<TransferOptions>();
    add_database(command, options->settings);
    command.add_option("--file", options->file, "Its path; - is standard input or output")
        ->capture_default_str();
    command.add_flag("--force", options->force, "Though a server may be using the database");
    command.footer(about);
    command.callback(
        [options, run, &chosen] { chosen = [options, run] { return run(*options); }; });
}

}  // namespace

void add_transfer_tools(CLI::App& parser, Chosen& chosen) {
    add(parser, "export", "Write a whole database to a file", about_export, run_export, chosen);
    add(parser, "import", "Make a new database of an export", about_import, run_import, chosen);
}

}  // namespace florin::app
