#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "app/tools.h"
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

}  // namespace florin::app
