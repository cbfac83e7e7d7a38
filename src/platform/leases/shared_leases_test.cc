#include "platform/leases/shared_leases.h"

#include <array>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/runtime/loop.h"
#include "platform/store/store_test_support.h"

namespace florin::leases {
namespace {

using store::eventually;

/// Processes over one database, with a clock that stands still. Each beats when it is told to.
class SharedLeasesTest : public testing::Test {
protected:
    SharedLeasesTest() {
        for (auto& process : processes_) {
            process = std::make_unique<SharedLeases>(loop_, *store_, clock_, clock_,
                                                     LeaseOptions{.name = "test"}, metrics_);
        }
    }

    SharedLeases& first() { return *processes_[0]; }
    SharedLeases& second() { return *processes_[1]; }
    void beat(SharedLeases& process) { run(process.beat_once()); }
    void stop(SharedLeases& process) { run(process.stop(patience)); }
    void run(awaitable<void> task) { runtime::run_until_done(loop_, std::move(task)); }
    /// Lets time go by in which `living` show that they live.
    void pass(Milliseconds time, std::initializer_list<SharedLeases*> living) {
        for (Milliseconds passed{0}; passed < time; passed += Milliseconds(500)) {
            clock_.advance(Milliseconds(500));
            for (auto* process : living) beat(*process);
        }
    }
    [[nodiscard]] bool shows(const std::string& line) const {
        return metrics_.scrape().contains("\n" + line + "\n");
    }

    static constexpr Milliseconds patience{60'000};
    static constexpr Milliseconds little_patience{20};

    ManualClock clock_;
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"test"};
    store::TestDatabase database_;
    std::unique_ptr<store::Store> store_ = database_.open(metrics_);
    std::array<std::unique_ptr<SharedLeases>, 2> processes_;
};

TEST_F(SharedLeasesTest, WorkIsOursFromTheBeatAfterWeAskedForIt) {
    EXPECT_FALSE(first().ours("relay"));
    beat(first());
    EXPECT_TRUE(first().ours("relay"));
    EXPECT_FALSE(first().ours("webhooks"));
}

TEST_F(SharedLeasesTest, OneProcessHoldsItAtATime) {
    EXPECT_FALSE(first().ours("relay"));
    EXPECT_FALSE(second().ours("relay"));
    beat(first());
    beat(second());
    pass(Milliseconds(20'000), {&first(), &second()});
    EXPECT_TRUE(first().ours("relay"));
    EXPECT_FALSE(second().ours("relay"));
}

TEST_F(SharedLeasesTest, AProcessThatFallsSilentIsFollowedByAnotherAfterTheTerm) {
    first().ours("relay");
    beat(first());
    second().ours("relay");
    beat(second());
    pass(Milliseconds(3'500), {&second()});
    EXPECT_FALSE(second().ours("relay"));
    pass(Milliseconds(1'500), {&second()});
    EXPECT_TRUE(second().ours("relay"));
    EXPECT_TRUE(shows("florin_instances_taken_over_total 1"));
}

TEST_F(SharedLeasesTest, AProcessLetsGoItselfBeforeOthersMayTakeIt) {
    first().ours("relay");
    beat(first());
    second().ours("relay");
    beat(second());
    for (int i = 0; i < 40; ++i) {
        pass(Milliseconds(500), {&second()});
        EXPECT_FALSE(first().ours("relay") && second().ours("relay"));
    }
    EXPECT_FALSE(first().ours("relay"));
}

TEST_F(SharedLeasesTest, AProcessThatWasOnlyPausedComesBackWithoutItsWork) {
    first().ours("relay");
    beat(first());
    second().ours("relay");
    pass(Milliseconds(10'000), {&second()});
    ASSERT_TRUE(second().ours("relay"));
    beat(first());
    EXPECT_FALSE(first().ours("relay"));
    EXPECT_TRUE(second().ours("relay"));
    pass(Milliseconds(10'000), {&first()});
    EXPECT_TRUE(first().ours("relay")) << "now the other one is silent";
}

TEST_F(SharedLeasesTest, WhatIsLeftIsFreeForOthers) {
    first().ours("relay");
    beat(first());
    second().ours("relay");
    beat(second());
    first().leave("relay");
    EXPECT_FALSE(first().ours("webhooks"));
    beat(first());
    beat(second());
    EXPECT_TRUE(second().ours("relay"));
}

TEST_F(SharedLeasesTest, WorkThatIsWantedAgainAfterItWasLeftComesBack) {
    first().ours("relay");
    beat(first());
    first().leave("relay");
    EXPECT_FALSE(first().ours("relay"));
    beat(first());
    EXPECT_TRUE(first().ours("relay"));
}

TEST_F(SharedLeasesTest, AStopFreesEverythingAtOnce) {
    first().ours("relay");
    beat(first());
    second().ours("relay");
    beat(second());
    stop(first());
    EXPECT_FALSE(first().ours("relay"));
    beat(second());
    EXPECT_TRUE(second().ours("relay"));
}

TEST_F(SharedLeasesTest, AStopGivesUpOnABeatThatTheDatabaseDoesNotAnswer) {
    beat(first());
    bool answered = false;
    const auto beat_on = [&]() -> awaitable<void> {
        co_await first().beat_once();
        answered = true;
    };
    const auto task = [&]() -> awaitable<void> {
        store::HeldWriter database(*store_);
        co_await database.hold();
        runtime::spawn(loop_, "beat", beat_on());
        EXPECT_TRUE(co_await eventually([&] { return store_->state().write_queue == 1; }));
        co_await first().stop(little_patience);
        EXPECT_FALSE(answered);
        EXPECT_EQ(store_->state().write_queue, 1U) << "nothing more is asked of it";
        database.release();
        EXPECT_TRUE(co_await eventually([&] { return answered && database.done(); }));
    };
    run(task());
}

TEST_F(SharedLeasesTest, AStopGivesUpOnItsOwnWriteThatTheDatabaseDoesNotAnswer) {
    first().ours("relay");
    beat(first());
    second().ours("relay");
    beat(second());
    const auto task = [&]() -> awaitable<void> {
        store::HeldWriter database(*store_);
        co_await database.hold();
        co_await first().stop(little_patience);
        EXPECT_TRUE(co_await eventually([&] { return store_->state().write_queue == 1; }));
        database.release();
        EXPECT_TRUE(co_await eventually([&] { return database.done(); }));
    };
    run(task());
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!second().ours("relay") && std::chrono::steady_clock::now() < deadline) beat(second());
    EXPECT_TRUE(second().ours("relay")) << "what was asked of the database is done all the same";
}

TEST_F(SharedLeasesTest, AProcessThatRegistersAgainIsNotRemovedForASignOfItsFirstTime) {
    beat(first());
    const auto task = [&]() -> awaitable<void> {
        const auto seen =
            co_await store_->read([](store::Snapshot& snapshot) { return instances(snapshot); });
        EXPECT_EQ(seen.size(), 1U);
        const Instance before = seen.at(0);
        const auto remove_seen = [&before](store::Transaction& tx) {
            return remove_if_silent(tx, before.id, before.beat);
        };
        EXPECT_TRUE(co_await store_->write(remove_seen));
        co_await first().beat_once();
        EXPECT_FALSE(co_await store_->write(remove_seen));
    };
    run(task());
}

}  // namespace
}  // namespace florin::leases
