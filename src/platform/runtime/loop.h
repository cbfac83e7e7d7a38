#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "platform/runtime/awaitable.h"

namespace boost::asio {
class io_context;
}

namespace florin::runtime {

class Completion;

/// One event loop on one thread. What lives on a loop is touched only by that loop's thread.
class Loop {
public:
    explicit Loop(std::string name);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    [[nodiscard]] boost::asio::io_context& context() { return *context_; }
    [[nodiscard]] const std::string& name() const { return name_; }

    /// Serves this loop on the calling thread until `stop`. What escapes a callback ends the
    /// process.
    void run();
    /// Thread-safe.
    void stop();

    /// Runs `work` on the loop, later. Thread-safe.
    void post(std::move_only_function<void()> work);

    /// Resumes a list of completions (linked by `next`) on the loop, in order, with one wake-up for
    /// the whole list. Thread-safe. Where the loop dies first, those who wait are destroyed with
    /// it.
    void complete(Completion* first);

    /// The loop whose thread this is. Calling it elsewhere is a bug.
    static Loop& current();

private:
    std::string name_;
    std::unique_ptr<boost::asio::io_context> context_;
};

/// Starts `task` on `loop`, detached. An exception that escapes it is logged under `name` and
/// counted
/// (`florin_background_faults_total`); it ends the task, not the process. Thread-safe.
void spawn(Loop& loop, std::string_view name, awaitable<void> task);

/// Spawned tasks of this process that have not ended, for /metrics. Thread-safe.
std::size_t live_tasks();

/// Runs `task` on the calling thread with `loop` and returns when it has ended; rethrows what
/// escapes it. For tests and short commands; the loop must not be running.
void run_until_done(Loop& loop, awaitable<void> task);

/// Suspends the calling coroutine, on its loop, for at least `duration`.
awaitable<void> sleep_for(std::chrono::microseconds duration);

}  // namespace florin::runtime
