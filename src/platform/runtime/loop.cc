#include "platform/runtime/loop.h"

#include <atomic>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/base/require.h"
#include "platform/runtime/completion.h"
#include "platform/telemetry/log.h"

namespace asio = boost::asio;

namespace florin::runtime {
namespace {

// Set while a thread serves a loop. Everything else gets its collaborators through constructors;
// this one fact belongs to the thread.
thread_local Loop* serving = nullptr;

// Counts for /metrics only: nothing is decided by it.
std::atomic<std::size_t> live_task_count{0};

void end_all(Completion* first, void (Completion::*end)()) {
    for (Completion* done = first; done != nullptr;) {
        Completion* const next = done->next;  // its end destroys `done`
        (done->*end)();
        done = next;
    }
}

/// Completions on their way to a loop. Those that never get there, because the loop dies first,
/// take with them whoever waits.
class Posted {
public:
    explicit Posted(Completion* first) : first_(first) {}
    ~Posted() { end_all(first_, &Completion::drop); }
    Posted(Posted&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
    Posted(const Posted&) = delete;
    Posted& operator=(const Posted&) = delete;
    Posted& operator=(Posted&&) = delete;

    void operator()() { end_all(std::exchange(first_, nullptr), &Completion::resume); }

private:
    Completion* first_;
};

}  // namespace

// A concurrency hint of 1 tells Asio that one thread runs the loop; posting stays thread-safe.
Loop::Loop(std::string name)
    : name_(std::move(name)), context_(std::make_unique<asio::io_context>(1)) {}

Loop::~Loop() {
    // What still waits on the loop is destroyed here, by handlers that may ask for their loop.
    serving = this;
    context_.reset();
    serving = nullptr;
}

void Loop::run() {
    const auto guard = asio::make_work_guard(*context_);
    serving = this;
    context_->run();
    serving = nullptr;
}

void Loop::stop() {
    context_->stop();
}

void Loop::post(std::move_only_function<void()> work) {
    asio::post(*context_, [work = std::move(work)]() mutable { work(); });
}

void Loop::complete(Completion* first) {
    Posted posted(first);
    // Those who hold the end of somebody's wait may die with the loop: nothing runs here any more.
    if (context_) asio::post(*context_, std::move(posted));
}

Loop& Loop::current() {
    require(serving != nullptr, "only code that runs on a loop asks for the current loop");
    return *serving;
}

void spawn(Loop& loop, std::string_view name, awaitable<void> task) {
    live_task_count.fetch_add(1, std::memory_order_relaxed);
    asio::co_spawn(loop.context(), std::move(task),
                   [name = std::string(name)](const std::exception_ptr& escaped) {
                       live_task_count.fetch_sub(1, std::memory_order_relaxed);
                       if (!escaped) return;
                       try {
                           std::rethrow_exception(escaped);
                       } catch (const std::exception& fault) {
                           telemetry::background_fault(name, fault.what());
                       }
                   });
}

std::size_t live_tasks() {
    return live_task_count.load(std::memory_order_relaxed);
}

void run_until_done(Loop& loop, awaitable<void> task) {
    std::exception_ptr escaped;
    asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr fault) {
        escaped = std::move(fault);
        loop.stop();
    });
    loop.run();
    loop.context().restart();
    if (escaped) std::rethrow_exception(escaped);
}

awaitable<void> sleep_for(std::chrono::microseconds duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace florin::runtime
