#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "platform/base/random.h"
#include "platform/broker/consumer_options.h"
#include "platform/runtime/awaitable.h"
#include "platform/runtime/wakeup.h"

namespace florin::broker {

/// Runs the rounds of a group until it is stopped: one after the other while there is more to do,
/// when it is woken or after a while at the end of the log, and further and further apart while
/// they fail. Lives on one loop; it outlives the loop's run, or `stop` has returned true before it
/// dies.
class GroupRunner {
public:
    enum class Step : std::uint8_t {
        Behind,  // there is more to do
        AtEnd,   // everything in the log is done
        Failed   // nothing was done: try again later
    };
    /// One round; it does not throw.
    using Round = std::function<awaitable<Step>()>;

    /// What is known of the group is out of date: another process runs it, or has.
    using Forget = std::function<void()>;

    /// The references outlive this object. `group` is for the log and names the lease; of the
    /// options those about pauses are used, and the leases.
    GroupRunner(runtime::Loop& loop, const Clock& clock, std::string group, ConsumerOptions options,
                Round round, Forget forget);

    /// Begins to run. Call it once.
    void start();
    /// There may be new events. Thread-safe, cheap.
    void wake() { wakeup_.notify(); }
    /// Begins no further round and waits for the one under way; false when that takes longer than
    /// `deadline`. On the loop.
    awaitable<bool> stop(Milliseconds deadline);

    /// Rounds in a row that failed.
    [[nodiscard]] int failures() const { return failures_; }

private:
    awaitable<void> run();
    [[nodiscard]] bool ours();
    awaitable<void> back_off();

    runtime::Loop& loop_;
    const Clock& clock_;
    const std::string group_;
    const ConsumerOptions options_;
    const std::string lease_;
    const Round round_;
    const Forget forget_;
    runtime::Wakeup wakeup_;
    Random random_;
    int failures_ = 0;
    bool ours_ = true;
    bool running_ = false;
    bool stopping_ = false;
};

}  // namespace florin::broker
