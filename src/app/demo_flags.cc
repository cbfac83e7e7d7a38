#include "app/demo_flags.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/demo_command.h"
#include "app/load_settings.h"
#include "app/tool_flags.h"

namespace florin::app {
namespace {

constexpr const char* about_reservation = R"(
Seats of an event are held, paid for and sold; held, not paid for and given back; and held until
their time is over. Each step is shown with the milliseconds since the beginning.

  florin demo reservation                             on a server of its own, in memory
  florin demo reservation --url http://localhost:8080 on one that runs

Exit codes: 0 every step came about, 1 one did not, 2 wrong usage.)";

void add_reservation(CLI::App& demo, std::function<int()>& chosen) {
    auto& command = *demo.add_subcommand("reservation", "HOLD, payment, CONFIRMED; and what else");
    const auto options = std::make_shared<DemoOptions>();
    const auto server = std::make_shared<AdminServer>();
    const auto target = std::make_shared<std::string>("localhost:8030");
    const auto* const url = command.add_option(
        "--url", server->url, "HTTP address of a server that runs (default: one of its own)");
    command.add_option("--target", *target, "host:port of its gRPC server, with --url")
        ->capture_default_str()
        ->needs("--url");
    server->token = settings_here().server.admin_token;
    command.add_option("--admin-token", server->token,
                       "Its ADMIN_TOKEN (default: the one that `florin config` finds here)");
    command
        .add_option_function<int>(
            "--delay-ms",
            [options](const int& ms) { options->payment_delay = std::chrono::milliseconds(ms); },
            "Until each payment's outcome (default: 500)")
        ->check(CLI::Range(0, 60'000));
    command
        .add_option_function<int>(
            "--timeout",
            [options](const int& seconds) { options->timeout = std::chrono::seconds(seconds); },
            "Seconds that a step may take (default: 20)")
        ->check(CLI::Range(1, 600));
    command.footer(about_reservation);
    command.callback([options, server, target, url, &chosen] {
        if (url->count() > 0) options->server = *server;
        parse_target(*target, options->grpc_host, options->grpc_port);
        chosen = [options] { return run_reservation_demo(*options); };
    });
}

}  // namespace

void add_demo_tools(CLI::App& parser, std::function<int()>& chosen) {
    auto& demo = *parser.add_subcommand("demo", "Show how the parts work together");
    demo.require_subcommand(1);
    add_reservation(demo, chosen);
}

}  // namespace florin::app
