#include "platform/broker/group_runner.h"

#include <chrono>
#include <utility>

#include "platform/leases/leases.h"
#include "platform/runtime/loop.h"

namespace florin::broker {

GroupRunner::GroupRunner(runtime::Loop& loop, const Clock& clock, std::string group,
                         ConsumerOptions options, Round round, Forget forget)
    : loop_(loop),
      clock_(clock),
      group_(std::move(group)),
      options_(options),
      lease_("group " + group_),
      round_(std::move(round)),
      forget_(std::move(forget)),
      wakeup_(loop),
      random_(options.seed) {}

void GroupRunner::start() {
    running_ = true;
    runtime::spawn(loop_, group_, run());
}

awaitable<bool> GroupRunner::stop(Milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    wakeup_.notify();
    while (running_ && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(1));
    co_return !running_;
}

awaitable<void> GroupRunner::run() {
    while (!stopping_) {
        if (!ours()) {
            co_await wakeup_.wait_until(clock_, clock_.now() + options_.look_interval);
            continue;
        }
        const Step last = co_await round_();
        failures_ = last == Step::Failed ? failures_ + 1 : 0;
        switch (last) {
            case Step::Behind:
                break;
            case Step::AtEnd:
                co_await wakeup_.wait_until(clock_, clock_.now() + options_.look_interval);
                break;
            case Step::Failed:
                co_await back_off();
                break;
        }
        if (!stopping_) co_await runtime::sleep_for(options_.batch_pause);
    }
    running_ = false;
}

bool GroupRunner::ours() {
    if (options_.leases == nullptr) return true;
    const bool before = std::exchange(ours_, options_.leases->ours(lease_));
    if (ours_ != before) forget_();
    return ours_;
}

// New events wake a group all the time, but are no reason to ask somebody again who is away.
awaitable<void> GroupRunner::back_off() {
    using SteadyClock = std::chrono::steady_clock;
    const auto until = SteadyClock::now() + limits::backoff(options_.backoff, failures_, random_);
    for (auto now = SteadyClock::now(); now < until && !stopping_; now = SteadyClock::now()) {
        const auto rest = std::chrono::ceil<Microseconds>(until - now);
        co_await wakeup_.wait_until(clock_, clock_.now() + rest);
    }
}

}  // namespace florin::broker
