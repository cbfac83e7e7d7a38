#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "app/tools.h"
#include "platform/base/json_text.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

std::vector<loadgen::ScenarioShare> parse_mix(std::string_view text) {
    std::vector<loadgen::ScenarioShare> mix;
    while (!text.empty()) {
        const auto part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        const auto colon = part.find(':');
        const auto scenario = gateway::parse_scenario(part.substr(0, colon));
        unsigned weight = 1;
        if (colon != std::string_view::npos) {
            const auto digits = part.substr(colon + 1);
            const auto [stop, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), weight);
            if (error != std::errc{} || stop != digits.data() + digits.size() || weight > 1'000)
                weight = 0;
        }
        if (!scenario || weight == 0) {
            throw std::runtime_error("--scenario has \"" + std::string(part) +
                                     "\"; it takes a mix such as approve:80,fail:20");
        }
        mix.push_back({*scenario, weight});
    }
    return mix;
}

std::string row(const char* name, const loadgen::Histogram& h) {
    const auto ms = [&](double fraction) {
        return static_cast<double>(h.percentile(fraction)) / 1e3;
    };
    return fmt::format("{:<18}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}\n", name, ms(0.5),
                       ms(0.9), ms(0.99), ms(0.999), static_cast<double>(h.max()) / 1e3);
}

std::string json_row(const loadgen::Histogram& h) {
    return fmt::format(
        R"({{"count":{},"p50_us":{},"p90_us":{},"p99_us":{},"p999_us":{},"max_us":{}}})", h.count(),
        h.percentile(0.5), h.percentile(0.9), h.percentile(0.99), h.percentile(0.999), h.max());
}

void print_json(const loadgen::LifeReport& report) {
    fmt::print(
        R"({{"begun":{},"acknowledged":{},"failed":{},"lost":{},"duplicated":{},"wrong":{},"rate":{:.1f},"create":{},"webhook_lateness":{},"read_back":{}}})"
        "\n",
        report.begun, report.acknowledged, report.failed, report.lost, report.duplicated,
        report.wrong,
        report.seconds > 0 ? static_cast<double>(report.acknowledged) / report.seconds : 0,
        json_row(report.create), json_row(report.webhook_lateness), json_row(report.read_back));
}

void print_table(const loadgen::LifeReport& report) {
    fmt::print("\n{} begun, {} acknowledged in {:.1f} s: {:.0f} a second\n\n", report.begun,
               report.acknowledged, report.seconds,
               report.seconds > 0 ? static_cast<double>(report.acknowledged) / report.seconds : 0);
    fmt::print("{:<18}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "milliseconds", "p50", "p90", "p99",
               "p99.9", "max");
    fmt::print("{}{}{}", row("create", report.create),
               row("webhook lateness", report.webhook_lateness),
               row("read back", report.read_back));
    fmt::print("\nfailed {}  lost {}  duplicated {}  wrong {}\n", report.failed, report.lost,
               report.duplicated, report.wrong);
    if (!report.first_error.empty()) fmt::print("the first failure: {}\n", report.first_error);
}

double flows_a_second(const loadgen::FlowReport& report) {
    return report.seconds > 0 ? static_cast<double>(report.completed) / report.seconds : 0;
}

double cores_taken(const loadgen::FlowReport& report) {
    return report.seconds > 0 ? report.cpu_seconds / report.seconds : 0;
}

std::string counters_json(const std::vector<loadgen::CounterCheck>& counters) {
    std::string out = "[";
    for (const auto& counter : counters) {
        std::string series;
        append_json_string(series, counter.series);
        out += fmt::format(R"({}{{"series":{},"counted":{:.0f},"acknowledged":{},"agrees":{}}})",
                           out.size() > 1 ? "," : "", series, counter.counted, counter.at_least,
                           counter.agrees());
    }
    return out + "]";
}

void print_json(const loadgen::FlowReport& report) {
    const auto& findings = report.findings;
    std::string first_error;
    append_json_string(first_error, report.first_error);
    fmt::print(
        R"({{"begun":{},"completed":{},"authorized":{},"captured":{},"refunded":{},"replays":{},"failed":{},"lost":{},"duplicated":{},"wrong":{},"listed":{},"detailed":{},"rate":{:.1f},"generator_cores":{:.2f},)",
        report.begun, report.completed, report.acknowledged[0], report.acknowledged[1],
        report.acknowledged[2], report.replays, report.failed, findings.lost, findings.doubled,
        findings.wrong + report.answers_wrong, findings.listed, findings.detailed,
        flows_a_second(report), cores_taken(report));
    fmt::print(
        R"("authorize":{},"capture":{},"refund":{},"replay":{},"flow":{},"lateness":{},"counters":{},"first_error":{}}})"
        "\n",
        json_row(report.steps[0]), json_row(report.steps[1]), json_row(report.steps[2]),
        json_row(report.replay), json_row(report.flow), json_row(report.lateness),
        counters_json(report.counters), first_error);
}

void print_table(const loadgen::FlowReport& report) {
    const auto& findings = report.findings;
    fmt::print(
        "\n{} flows begun, {} completed in {:.1f} s: {:.0f} a second; generator: {:.2f} cores\n\n",
        report.begun, report.completed, report.seconds, flows_a_second(report),
        cores_taken(report));
    fmt::print("{:<18}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "milliseconds", "p50", "p90", "p99",
               "p99.9", "max");
    fmt::print("{}{}{}{}{}{}", row("authorize", report.steps[0]), row("capture", report.steps[1]),
               row("refund", report.steps[2]), row("replay", report.replay),
               row("flow", report.flow), row("begun late", report.lateness));
    fmt::print("\nacknowledged: {} authorizations, {} captures, {} refunds, {} replays\n",
               report.acknowledged[0], report.acknowledged[1], report.acknowledged[2],
               report.replays);
    fmt::print("read back: {} payments in lists, {} one by one with their ledger entries\n",
               findings.listed, findings.detailed);
    for (const auto& counter : report.counters) {
        fmt::print("{} {}: counted {:.0f}, acknowledged {}\n",
                   counter.agrees() ? "agrees:" : "DIFFERS:", counter.series, counter.counted,
                   counter.at_least);
    }
    fmt::print("\nfailed {}  lost {}  duplicated {}  wrong {}\n", report.failed, findings.lost,
               findings.doubled, findings.wrong + report.answers_wrong);
    if (!report.first_error.empty()) fmt::print("the first of them: {}\n", report.first_error);
}

}  // namespace

int run_bench(BenchOptions options) {
    options.lives.scenarios = parse_mix(options.scenarios);
    runtime::Loop loop("bench");
    loadgen::LifeReport report;
    runtime::run_until_done(loop, loadgen::run_lives(loop, options.lives, report));
    if (options.json) {
        print_json(report);
    } else {
        print_table(report);
    }
    return report.clean() ? 0 : 1;
}

int run_payments_bench(const PaymentsBenchOptions& options) {
    runtime::Loop loop("bench");
    loadgen::FlowReport report;
    runtime::run_until_done(loop, loadgen::run_flows(loop, options.flows, report));
    if (options.json) {
        print_json(report);
    } else {
        print_table(report);
    }
    return report.clean() ? 0 : 1;
}

}  // namespace florin::app
