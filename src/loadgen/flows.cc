#include "loadgen/flows.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>
#include <sys/resource.h>

#include "loadgen/flows_audit.h"
#include "loadgen/flows_client.h"
#include "platform/base/random.h"
#include "platform/runtime/loop.h"

namespace florin::loadgen {
namespace {

using payments::Operation;
using Time = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds tick{1};
constexpr std::chrono::milliseconds poll{10};

std::int64_t us_between(Time from, Time to) {
    return std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

FlowMix mix_of(const FlowOptions& options) {
    FlowMix mix;
    mix.run = std::to_string(Random(seed_from_system()).next() % 1'000'000'000);
    mix.merchants = options.merchants;
    mix.retried_percent = options.retried_percent;
    mix.part_refund_percent = options.part_refund_percent;
    return mix;
}

/// What an answer other than an approval says of the request: with these, nothing was stored.
bool surely_refused(unsigned status) {
    return (status >= 400 && status < 500) || status == 503;
}

/// One run. All of it happens on one loop, so nothing is shared between threads.
class Run {
public:
    Run(runtime::Loop& loop, const FlowOptions& options, FlowReport& report)
        : loop_(loop),
          options_(options),
          report_(report),
          mix_(mix_of(options)),
          client_(loop, options.host, options.port, options.connections, options.patience) {
        const auto flows = [&](std::chrono::seconds time) {
            return static_cast<std::size_t>(options.rate * static_cast<double>(time.count()));
        };
        warm_from_ = flows(options.warmup);
        records_.resize(flows(options.warmup + options.duration));
    }

    awaitable<void> drive() {
        const std::string before = co_await metrics();
        const double cpu_before = cpu_seconds();
        start_ = std::chrono::steady_clock::now();
        Time next_line = start_ + std::chrono::seconds(1);
        while (report_.begun < records_.size()) {
            begin_due();
            show_progress(next_line);
            co_await runtime::sleep_for(tick);
        }
        while (under_way_ > 0) {
            show_progress(next_line);
            co_await runtime::sleep_for(poll);
        }
        report_.seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        report_.cpu_seconds = cpu_seconds() - cpu_before;
        if (options_.health_port != 0) compare_counters(before, co_await metrics());
        auto audit =
            co_await audit_flows(loop_, client_, mix_, records_, options_.read_back_percent);
        report_.failed += audit.failed;
        note_error(audit.first_error);
        report_.findings = std::move(audit.findings);
        note_error(report_.findings.first);
    }

private:
    [[nodiscard]] Time intended(std::size_t flow) const {
        return start_ + std::chrono::microseconds(static_cast<std::int64_t>(
                            static_cast<double>(flow) * 1e6 / options_.rate));
    }

    void begin_due() {
        const Time now = std::chrono::steady_clock::now();
        while (report_.begun < records_.size() && intended(report_.begun) <= now &&
               under_way_ < options_.outstanding_max) {
            ++under_way_;
            runtime::spawn(loop_, "bench flow", flow(report_.begun++));
        }
    }

    awaitable<void> flow(std::size_t n) {
        const FlowPlan plan = plan_flow(mix_, n);
        records_[n].merchant = plan.merchant;
        if (n >= warm_from_)
            report_.lateness.record(us_between(intended(n), std::chrono::steady_clock::now()));
        Time due = intended(n);
        bool approved = true;
        for (std::size_t step = 0; approved && step < flow_steps.size(); ++step) {
            approved = co_await take_step(n, plan, step, due);
            due = std::chrono::steady_clock::now();
        }
        if (approved) {
            ++report_.completed;
            if (n >= warm_from_) report_.flow.record(us_between(intended(n), due));
        }
        --under_way_;
    }

    awaitable<bool> take_step(std::size_t n, const FlowPlan& plan, std::size_t step, Time due) {
        const Operation operation = flow_steps[step];
        FlowRecord& record = records_[n];
        FlowRequest request = flow_request(mix_, n, operation, record.told.id.text());
        const bool retried = is_retried(mix_, n, operation);
        FlowRequest again = retried ? request : FlowRequest{};
        const auto answer = co_await client_.post(std::move(request));
        const Time now = std::chrono::steady_clock::now();
        if (!answer || answer->status != 200) {
            refused(operation, record, answer);
            co_return false;
        }
        if (n >= warm_from_) report_.steps[step].record(us_between(due, now));
        ++report_.acknowledged[step];
        const auto seen = parse_payment(answer->body);
        const std::string fault = seen ? fault_of_answer(plan, operation, record, *seen)
                                       : "an approval is not the JSON of a payment";
        if (!fault.empty()) wrong_answer(fault);
        if (!seen) co_return false;
        const std::uint64_t entries = record.told.entries + seen->entries;
        record.told = *seen;
        record.told.entries = entries;
        if (retried) co_await retry(n, std::move(again), answer->body);
        co_return true;
    }

    /// The same key has to bring the same answer, word for word.
    awaitable<void> retry(std::size_t n, FlowRequest request, const std::string& first_body) {
        const std::string target = request.target;
        const Time due = std::chrono::steady_clock::now();
        const auto answer = co_await client_.post(std::move(request));
        if (!answer || answer->status != 200) {
            ++report_.failed;
            note_error("a retry of " + target + ": " + text_of(answer));
        } else if (!answer->replayed || answer->body != first_body) {
            wrong_answer(fmt::format("a retry of {} got {}: {}", target,
                                     answer->replayed ? "another answer" : "no replay",
                                     answer->body.substr(0, 300)));
        } else {
            ++report_.replays;
            if (n >= warm_from_)
                report_.replay.record(us_between(due, std::chrono::steady_clock::now()));
        }
    }

    void refused(Operation operation, FlowRecord& record, const FlowClient::Result& answer) {
        ++report_.failed;
        note_error(std::string(name_of(operation)) + ": " + text_of(answer));
        record.unsure = answer ? !surely_refused(answer->status) : !answer.error().unsent;
        if (record.unsure) ++unsure_[static_cast<std::size_t>(operation) - 1];
    }

    static std::string text_of(const FlowClient::Result& answer) {
        if (!answer) return answer.error().text;
        return fmt::format("answered with {}: {}", answer->status, answer->body.substr(0, 300));
    }

    void wrong_answer(const std::string& what) {
        ++report_.answers_wrong;
        note_error(what);
    }

    void note_error(const std::string& what) {
        if (report_.first_error.empty()) report_.first_error = what;
    }

    awaitable<std::string> metrics() {
        if (options_.health_port == 0) co_return "";
        FlowClient health(loop_, options_.host, options_.health_port, 1, options_.patience);
        auto answer = co_await health.get("/metrics");
        if (!answer || answer->status != 200)
            throw std::runtime_error("--health-port: " + text_of(answer));
        co_return std::move(answer->body);
    }

    void compare_counters(const std::string& before, const std::string& after) {
        const auto check = [&](std::string series, std::uint64_t at_least, std::uint64_t unsure) {
            const double counted = counter_in(after, series) - counter_in(before, series);
            report_.counters.push_back({std::move(series), counted, at_least, unsure});
        };
        for (std::size_t step = 0; step < flow_steps.size(); ++step) {
            check(fmt::format(
                      R"(florin_payment_operations_total{{operation="{}",result="approved"}})",
                      name_of(flow_steps[step])),
                  report_.acknowledged[step], unsure_[step]);
        }
        check("florin_idempotent_replays_total", report_.replays, report_.failed);
    }

    void show_progress(Time& next_line) {
        const Time now = std::chrono::steady_clock::now();
        if (!options_.progress || now < next_line) return;
        next_line += std::chrono::seconds(1);
        const auto p99_ms = [](const Histogram& h) {
            return static_cast<double>(h.percentile(0.99)) / 1e3;
        };
        fmt::print(
            stderr,
            "{:4.0f} s  begun {}  completed {} (+{})  failed {}  wrong {}  p99 ms: authorize "
            "{:.2f}  capture {:.2f}  refund {:.2f}\n",
            std::chrono::duration<double>(now - start_).count(), report_.begun, report_.completed,
            report_.completed - shown_, report_.failed, report_.answers_wrong,
            p99_ms(report_.steps[0]), p99_ms(report_.steps[1]), p99_ms(report_.steps[2]));
        shown_ = report_.completed;
    }

    runtime::Loop& loop_;
    const FlowOptions& options_;
    FlowReport& report_;
    const FlowMix mix_;
    FlowClient client_;
    std::vector<FlowRecord> records_;
    std::array<std::uint64_t, flow_steps.size()> unsure_{};
    std::size_t warm_from_ = 0;
    std::size_t under_way_ = 0;
    std::uint64_t shown_ = 0;
    Time start_;
};

}  // namespace

bool FlowReport::clean() const {
    return completed == begun && failed == 0 && answers_wrong == 0 && findings.lost == 0 &&
           findings.doubled == 0 && findings.wrong == 0 &&
           std::ranges::all_of(counters, &CounterCheck::agrees);
}

awaitable<void> run_flows(runtime::Loop& loop, FlowOptions options, FlowReport& report) {
    Run run(loop, options, report);
    co_await run.drive();
}

}  // namespace florin::loadgen
