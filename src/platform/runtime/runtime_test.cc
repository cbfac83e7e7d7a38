#include <thread>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/result_of.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/log.h"

namespace florin::runtime {
namespace {

TEST(Completion, ResumesOnItsLoopWhenAnotherThreadFinishes) {
    Loop loop("test");
    const auto loop_thread = std::this_thread::get_id();
    std::thread worker;
    const auto task = [&]() -> awaitable<void> {
        Completion done;
        co_await done.wait([&] { worker = std::thread([&] { loop.complete(&done); }); });
        EXPECT_EQ(std::this_thread::get_id(), loop_thread);
        EXPECT_EQ(&Loop::current(), &loop);
    };
    run_until_done(loop, task());
    worker.join();
}

TEST(Wakeup, ANotificationBeforeTheWaitIsNotLost) {
    Loop loop("test");
    Wakeup wakeup(loop);
    const SystemClock clock;
    wakeup.notify();
    run_until_done(loop, wakeup.wait_until(clock, std::nullopt));
}

TEST(Wakeup, ADueTimeEndsTheWait) {
    Loop loop("test");
    Wakeup wakeup(loop);
    const SystemClock clock;
    const Instant due = clock.now() + Milliseconds(5);
    run_until_done(loop, wakeup.wait_until(clock, due));
    EXPECT_GE(clock.now() + Milliseconds(1), due);
}

TEST(Wakeup, AnotherThreadEndsTheWait) {
    Loop loop("test");
    Wakeup wakeup(loop);
    const SystemClock clock;
    std::thread other([&] { wakeup.notify(); });
    run_until_done(loop, wakeup.wait_until(clock, std::nullopt));
    other.join();
}

awaitable<void> note_live_tasks(std::size_t& live) {
    live = live_tasks();
    co_return;
}

awaitable<void> fail() {
    throw std::runtime_error("broken");
    co_return;
}

TEST(Spawn, CountsATaskUntilItEndsWellOrBadly) {
    Loop loop("test");
    const std::size_t live_before = live_tasks();
    const std::uint64_t faults_before = telemetry::background_faults();
    std::size_t live_inside = 0;
    spawn(loop, "note", note_live_tasks(live_inside));
    spawn(loop, "fail", fail());
    run_until_done(loop, sleep_for(std::chrono::milliseconds(1)));
    EXPECT_EQ(live_inside, live_before + 2);
    EXPECT_EQ(live_tasks(), live_before);
    EXPECT_EQ(telemetry::background_faults(), faults_before + 1);
}

TEST(RunUntilDone, RethrowsWhatEscapes) {
    Loop loop("test");
    const auto task = []() -> awaitable<void> {
        throw std::runtime_error("broken");
        co_return;
    };
    EXPECT_THROW(run_until_done(loop, task()), std::runtime_error);
}

awaitable<std::unique_ptr<int>> answer() {
    co_await sleep_for(std::chrono::milliseconds(1));
    co_return std::make_unique<int>(42);
}

TEST(ResultOf, ReturnsWhatTheTaskGives) {
    Loop loop("test");
    EXPECT_EQ(*result_of(loop, answer()), 42);
}

TEST(ResultOf, KeepsWhatASpawnedTaskGives) {
    Loop loop("test");
    std::optional<std::unique_ptr<int>> kept;
    spawn(loop, "answer", keep_result(answer(), kept));
    while (!kept) run_until_done(loop, sleep_for(std::chrono::milliseconds(1)));
    EXPECT_EQ(**kept, 42);
}

/// Ends somebody's wait when it dies.
class Ending {
public:
    Ending(Loop& loop, Completion& wait) : loop_(loop), wait_(wait) {}
    ~Ending() { loop_.complete(&wait_); }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

private:
    Loop& loop_;
    Completion& wait_;
};

awaitable<void> end_some_day(Loop& loop, Completion& wait) {
    const Ending ending(loop, wait);
    co_await sleep_for(std::chrono::hours(24));
}

awaitable<void> wait_for(Completion& wait, std::shared_ptr<int> /*held*/) {
    co_await wait.wait([] {});
    ADD_FAILURE() << "nothing is resumed by a loop that dies";
}

TEST(Loop, WhoWaitsForATaskThatDiesWithTheLoopDiesToo) {
    auto held = std::make_shared<int>();
    const std::weak_ptr<int> alive = held;
    Completion wait;
    {
        Loop loop("test");
        spawn(loop, "waits", wait_for(wait, std::move(held)));
        spawn(loop, "is waited for", end_some_day(loop, wait));
        run_until_done(loop, sleep_for(std::chrono::milliseconds(1)));
        EXPECT_FALSE(alive.expired());
    }
    EXPECT_TRUE(alive.expired());
}

TEST(Loop, WhoseWaitEndsAsTheLoopStopsDiesWithIt) {
    auto held = std::make_shared<int>();
    const std::weak_ptr<int> alive = held;
    Completion wait;
    {
        Loop loop("test");
        spawn(loop, "waits", wait_for(wait, std::move(held)));
        run_until_done(loop, sleep_for(std::chrono::milliseconds(1)));
        loop.complete(&wait);
        EXPECT_FALSE(alive.expired());
    }
    EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace florin::runtime
