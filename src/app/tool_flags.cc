#include "app/tool_flags.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/load_settings.h"
#include "app/setting_values.h"
#include "app/settings.h"
#include "app/tools.h"

namespace florin::app {
namespace {

constexpr std::int64_t unix_seconds_max = 253'402'300'799;  // the end of the year 9999

std::string target_here() {
    return "localhost:" + std::to_string(settings_here().server.grpc_port);
}

void add_secret(CLI::App& command, std::string& secret) {
    secret = settings_here().webhooks.secret;
    command.add_option("--secret", secret,
                       "Key of the signatures; empty: do not check (default: the WEBHOOK_SECRET "
                       "that `florin config` finds here)");
}

template <class Duration>
void add_duration(CLI::App& command, const char* flag, Duration& value, const char* help) {
    command
        .add_option_function<int>(
            flag, [&value](const int& count) { value = Duration(count); }, help)
        ->check(CLI::Range(0, 86'400))
        ->default_str(std::to_string(value.count()));
}

void add_pay(CLI::App& parser, std::function<int()>& chosen) {
    auto& command = *parser.add_subcommand("pay", "Create a payment and follow it to its webhook");
    const auto options = std::make_shared<PayOptions>();
    const auto target = std::make_shared<std::string>(target_here());
    command.add_option("--target", *target, "host:port of the gRPC server")->capture_default_str();
    command.add_option("--amount", options->amount, "In the currency's smallest unit")
        ->capture_default_str();
    command.add_option("--currency", options->currency, "ISO 4217")->capture_default_str();
    command.add_option("--scenario", options->scenario, "approve, fail, delay, random or timeout")
        ->capture_default_str();
    command.add_option("--user", options->user, "Who pays")->capture_default_str();
    command.add_option("--reservation", options->reservation, "What for")->capture_default_str();
    command
        .add_option("--delay-ms", options->delay_ms,
                    "Until the outcome; the server's own when left out")
        ->check(CLI::Range(0, 86'400'000));
    command.add_option("--webhook-url", options->webhook_url,
                       "Another receiver than the one this command opens");
    add_secret(command, options->secret);
    add_duration(command, "--timeout", options->timeout, "Seconds to follow the payment");
    command.callback([options, target, &chosen] {
        parse_target(*target, options->host, options->port);
        chosen = [options] { return run_pay(*options); };
    });
}

/// An option of `bench` before `payments` would mean nothing: say so.
void refuse_own_options(const CLI::App& bench) {
    for (const auto* option : bench.get_options()) {
        if (option->count() > 0)
            throw CLI::ValidationError(option->get_name(), "belongs after \"bench payments\"");
    }
}

void add_percent(CLI::App& command, const char* flag, double& value, const char* help) {
    command.add_option(flag, value, help)->capture_default_str()->check(CLI::Range(0.0, 100.0));
}

void add_payments_bench(CLI::App& bench, std::function<int()>& chosen) {
    auto& command = *bench.add_subcommand(
        "payments", "Merchant payments over HTTP: authorize, capture, refund, reconciled");
    const auto options = std::make_shared<PaymentsBenchOptions>();
    auto& flows = options->flows;
    const auto target = std::make_shared<std::string>(
        "localhost:" + std::to_string(settings_here().server.http_port));
    command.add_option("--target", *target, "host:port of the HTTP server")->capture_default_str();
    command
        .add_option("--health-port", flows.health_port,
                    "Of /metrics on that host: compares what the server counted; only without "
                    "other clients")
        ->check(CLI::Range(1, 65'535));
    command.add_option("--rate", flows.rate, "Flows begun a second, three requests each")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 50'000.0));
    add_duration(command, "--duration", flows.duration, "Seconds measured");
    add_duration(command, "--warmup", flows.warmup, "Seconds before that, not in the latencies");
    add_duration(command, "--patience-ms", flows.patience, "For one answer");
    command.add_option("--connections", flows.connections, "HTTP connections")
        ->capture_default_str()
        ->check(CLI::Range(1U, 4'096U));
    command.add_option("--max-outstanding", flows.outstanding_max, "Flows under way at once")
        ->capture_default_str();
    command.add_option("--merchants", flows.merchants, "Who share the flows")
        ->capture_default_str()
        ->check(CLI::Range(1U, 100'000U));
    add_percent(command, "--retried", flows.retried_percent, "Percent of requests sent twice");
    add_percent(command, "--part-refunds", flows.part_refund_percent,
                "Percent of flows that refund a part");
    add_percent(
        command, "--read-back", flows.read_back_percent,
        "Percent of payments read one by one at the end, with their ledger entries; all are "
        "read in lists");
    command.add_flag("--json", options->json, "The report as one line of JSON");
    command.add_flag_callback("--quiet", [&flows] { flows.progress = false; }, "No progress lines");
    command.callback([options, target, &chosen] {
        parse_target(*target, options->flows.host, options->flows.port);
        chosen = [options] { return run_payments_bench(*options); };
    });
}

void add_bench(CLI::App& parser, std::function<int()>& chosen) {
    auto& command =
        *parser.add_subcommand("bench", "Open-loop load: whole lives of payments, reconciled");
    const auto options = std::make_shared<BenchOptions>();
    auto& lives = options->lives;
    const auto target = std::make_shared<std::string>(target_here());
    command.add_option("--target", *target, "host:port of the gRPC server")->capture_default_str();
    command.add_option("--rate", lives.rate, "Payments begun a second")
        ->capture_default_str()
        ->check(CLI::Range(1.0, 200'000.0));
    add_duration(command, "--duration", lives.duration, "Seconds measured");
    add_duration(command, "--warmup", lives.warmup, "Seconds before that, not in the latencies");
    add_duration(command, "--grace", lives.grace,
                 "Seconds to wait for what is still out at the end");
    add_duration(command, "--delay-ms", lives.delay, "Until each payment's outcome");
    command.add_option("--connections", lives.connections, "HTTP/2 connections")
        ->capture_default_str()
        ->check(CLI::Range(1U, 256U));
    command.add_option("--max-outstanding", lives.outstanding_max, "Creates under way at once")
        ->capture_default_str();
    command.add_option("--users", lives.users, "Distinct users")
        ->capture_default_str()
        ->check(CLI::Range(1U, 10'000'000U));
    command.add_option("--scenario", options->scenarios, "A mix such as approve:80,fail:20")
        ->capture_default_str();
    command.add_flag_callback(
        "--no-webhook", [&lives] { lives.webhooks = false; }, "Poll the status instead");
    command.add_flag("--idempotency", lives.idempotency, "A key on every create");
    add_secret(command, lives.secret);
    command.add_flag("--json", options->json, "The report as one line of JSON");
    command.add_flag_callback("--quiet", [&lives] { lives.progress = false; }, "No progress lines");
    add_payments_bench(command, chosen);
    command.callback([options, target, &command, &chosen] {
        if (!command.get_subcommands().empty()) return refuse_own_options(command);
        parse_target(*target, options->lives.host, options->lives.port);
        chosen = [options] { return run_bench(*options); };
    });
}

void add_verify(CLI::App& webhook, std::function<int()>& chosen) {
    auto& command = *webhook.add_subcommand("verify", "Check a webhook's signature and age");
    const auto options = std::make_shared<VerifyOptions>();
    command.add_option("body", options->body_file,
                       "File with the raw body; - or nothing: standard input");
    command
        .add_option("--signature", options->signature,
                    "X-Webhook-Signature, or webhook-signature (one of several is enough)")
        ->required();
    command.add_option("--id", options->id, "webhook-id, for webhook-signature");
    command.add_option("--timestamp", options->timestamp,
                       "webhook-timestamp, for webhook-signature");
    command
        .add_option("--at", options->at_s,
                    "When it arrived by the receiver's clock, Unix seconds; now when left out")
        ->check(CLI::Range(std::int64_t{0}, unix_seconds_max));
    add_secret(command, options->secret);
    command.callback(
        [options, &chosen] { chosen = [options] { return run_webhook_verify(*options); }; });
}

void add_listen(CLI::App& webhook, std::function<int()>& chosen) {
    auto& command = *webhook.add_subcommand("listen", "Receive webhooks, print and verify them");
    const auto options = std::make_shared<ListenOptions>();
    command.add_option("--address", options->address, "Address to listen on")
        ->capture_default_str();
    command.add_option("--port", options->port, "Port to listen on")->capture_default_str();
    command.add_option("--status", options->status, "What to answer")
        ->capture_default_str()
        ->check(CLI::Range(200U, 599U));
    command.add_option("--delay-ms", options->delay_ms, "Before the answer")
        ->check(CLI::Range(0, 600'000));
    command.add_option("--fail-first", options->fail_first,
                       "Attempts of each webhook to answer 500");
    add_secret(command, options->secret);
    command.callback(
        [options, &chosen] { chosen = [options] { return run_webhook_listen(*options); }; });
}

}  // namespace

void parse_target(const std::string& text, std::string& host, std::uint16_t& port) {
    const auto colon = text.rfind(':');
    host = text.substr(0, colon);
    if (colon == std::string::npos) return;
    const auto number = parse_number(std::string_view(text).substr(colon + 1), 1, 65'535);
    if (!number) throw CLI::ValidationError("--target", "is \"" + text + "\"; it takes host:port");
    port = static_cast<std::uint16_t>(*number);
}

void add_tools(CLI::App& parser, std::function<int()>& chosen) {
    add_pay(parser, chosen);
    add_bench(parser, chosen);
    auto& webhook = *parser.add_subcommand("webhook", "Tools for receivers of webhooks");
    webhook.require_subcommand(1);
    add_verify(webhook, chosen);
    add_listen(webhook, chosen);
}

}  // namespace florin::app
