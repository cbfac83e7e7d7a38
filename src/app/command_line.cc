#include "app/command_line.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/config_command.h"
#include "app/demo_flags.h"
#include "app/doctor_command.h"
#include "app/load_settings.h"
#include "app/migrate_command.h"
#include "app/operator_flags.h"
#include "app/setting_flags.h"
#include "app/settlement_flags.h"
#include "app/tool_flags.h"
#include "app/transfer_flags.h"
#include "app/usage_error.h"
#include "app/version.h"

namespace florin::app {
namespace {

constexpr const char* examples = R"(
Examples:
  florin serve                          a payment gateway on 8030, its page on 8080
  florin pay --scenario fail            one payment, followed to its webhook
  florin demo reservation               seats held, paid for and sold, step by step
  florin webhook listen --port 9000     a receiver that prints and verifies
  florin bench --rate 5000              whole payments under load, reconciled
  florin keys create --merchant shop-1  an API key for a merchant
  florin dlq list                       what waits for a person to decide
  florin ledger verify                  proves the ledger in ./data, or names what is wrong
  florin settle                         what merchants are paid for yesterday
  florin export --file florin.jsonl     the whole database, for another kind of database
  florin config                         every setting, its value and where it came from
  florin doctor                         what keeps this machine from serving

`florin COMMAND --help` says more.)";

constexpr const char* about_settings = R"(
Settings come from flags, the environment (GRPC_PORT for --grpc-port), .env.local, .env
and a TOML file (grpc_port), in this order.)";

// Names of the binary under which it serves.
constexpr const char* service_name = "payment-sim-api";
constexpr const char* worker_name = "reservation-worker";

using Loaded = std::expected<LoadedSettings, std::vector<std::string>>;

int refuse(const std::vector<std::string>& complaints) {
    fmt::print(stderr, "florin: the settings are not usable:\n");
    for (const auto& complaint : complaints) fmt::print(stderr, "  {}\n", complaint);
    return exit_usage;
}

/// One command that reads settings: adds itself to the parser, runs when it was named.
class SettingsCommand {
public:
    SettingsCommand(CLI::App& parser, const char* name, const char* help)
        : command_(*parser.add_subcommand(name, help)) {
        flags_.add_to(command_);
        command_.footer(about_settings);
    }

    [[nodiscard]] CLI::App& parser() { return command_; }
    [[nodiscard]] bool named() const { return command_.parsed(); }
    [[nodiscard]] Loaded load() const { return flags_.load(); }

private:
    CLI::App& command_;
    SettingFlags flags_;
};

int print_config(const Loaded& loaded, ConfigForm form) {
    if (!loaded) return refuse(loaded.error());
    const std::string text = describe_settings(*loaded, form);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return exit_ok;
}

int print_version() {
    fmt::print("florin {} ({})\n", version(), commit());
    return exit_ok;
}

int parse_and_run(std::vector<std::string> arguments, const Commands& commands) {
    CLI::App parser("Florin: a payment gateway that runs on your machine.", "florin");
    parser.require_subcommand(1);
    parser.set_version_flag("--version", fmt::format("florin {} ({})", version(), commit()));
    SettingsCommand serve(parser, "serve", "Run the payment gateway until SIGINT or SIGTERM");
    SettingsCommand config(parser, "config", "Show every setting and where its value came from");
    bool json = false;
    config.parser().add_flag("--json", json, "As JSON");
    SettingsCommand doctor(parser, "doctor", "Look for what keeps `serve` from working here");
    SettingsCommand migrate(parser, "migrate", "Bring the schema of DB_URL's database up to date");
    bool dry_run = false;
    migrate.parser().add_flag("--dry-run", dry_run, "Only show what would be applied");
    const auto* version_command = parser.add_subcommand("version", "Show version and commit");
    std::function<int()> tool;
    add_tools(parser, tool);
    add_operator_tools(parser, tool);
    add_transfer_tools(parser, tool);
    add_settlement_tools(parser, tool);
    add_demo_tools(parser, tool);
    parser.footer(examples);  // after its commands, which would take it over
    parser.failure_message([](const CLI::App* refusing, const CLI::Error& error) {
        return usage_error(*refusing, error);
    });
    if (arguments.empty()) {
        fmt::print(stderr, "{}", parser.help());
        return exit_usage;
    }
    try {
        std::ranges::reverse(arguments);  // the parser takes them from the end
        parser.parse(arguments);
    } catch (const CLI::ParseError& error) {
        return parser.exit(error) == 0 ? exit_ok : exit_usage;
    }
    if (config.named())
        return print_config(config.load(), json ? ConfigForm::Json : ConfigForm::Table);
    if (doctor.named()) return run_doctor(doctor.load());
    if (version_command->parsed()) return print_version();
    if (migrate.named()) {
        const Loaded settings = migrate.load();
        if (!settings) return refuse(settings.error());
        return run_migrate(settings->values, dry_run ? MigrateForm::DryRun : MigrateForm::Apply);
    }
    if (tool) return tool();
    const Loaded loaded = serve.load();
    if (!loaded) return refuse(loaded.error());
    const bool works = loaded->values.roles.has(Role::ReservationWorker);
    return works ? commands.work(loaded->values) : commands.serve(loaded->values);
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments, const Commands& commands) {
    const std::string program =
        arguments.empty() ? "" : std::filesystem::path(arguments.front()).filename().string();
    std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
    const bool names_command = !rest.empty() && !rest.front().starts_with('-');
    if (program == service_name && !names_command) rest.insert(rest.begin(), "serve");
    if (program == worker_name && !names_command)
        rest.insert(rest.begin(), {"serve", "--role", program});
    return parse_and_run(std::move(rest), commands);
}

}  // namespace florin::app
