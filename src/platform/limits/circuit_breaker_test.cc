#include "platform/limits/circuit_breaker.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/base/random.h"

namespace florin::limits {
namespace {

using Kind = CircuitState::Kind;

constexpr Milliseconds fast{10};
constexpr Milliseconds slow{2'001};

class CircuitBreakerTest : public ::testing::Test {
protected:
    static CircuitBreakerOptions small() {
        CircuitBreakerOptions options;
        options.window_calls = 10;
        options.calls_min = 4;
        options.half_open_calls = 3;
        return options;
    }

    void call(bool success, Milliseconds duration = fast) {
        ASSERT_TRUE(breaker.permit());
        breaker.record(success, duration);
    }
    void open() {
        for (int i = 0; i < small().calls_min; ++i) call(false);
        ASSERT_EQ(breaker.state().kind, Kind::Open);
    }
    void half_open() {
        open();
        clock.advance(small().open_wait);
    }

    ManualClock clock;
    CircuitBreaker breaker{small(), clock};
};

TEST_F(CircuitBreakerTest, StaysClosedBelowTheLeastNumberOfCalls) {
    for (int i = 0; i < 3; ++i) call(false);
    EXPECT_EQ(breaker.state().kind, Kind::Closed);
    EXPECT_EQ(breaker.state().failed, 3);
    EXPECT_EQ(breaker.state().failure_percent, -1);
    EXPECT_EQ(breaker.state().slow_percent, -1);
}

TEST_F(CircuitBreakerTest, OpensWhenFailuresReachTheirShare) {
    call(true);
    call(true);
    call(false);
    EXPECT_EQ(breaker.state().kind, Kind::Closed);
    call(false);
    const CircuitState state = breaker.state();
    EXPECT_EQ(state.kind, Kind::Open);
    EXPECT_EQ(state.successful, 2);
    EXPECT_EQ(state.failed, 2);
    EXPECT_EQ(state.failure_percent, 50);
}

TEST_F(CircuitBreakerTest, OpensWhenSlowCallsReachTheirShareEvenIfTheySucceed) {
    call(true, small().slow_call);  // exactly so long is not slow
    call(true);
    call(true, slow);
    call(true, slow);
    const CircuitState state = breaker.state();
    EXPECT_EQ(state.kind, Kind::Open);
    EXPECT_EQ(state.slow_successful, 2);
    EXPECT_EQ(state.slow_failed, 0);
    EXPECT_EQ(state.slow_percent, 50);
    EXPECT_EQ(state.failure_percent, 0);
}

TEST_F(CircuitBreakerTest, ForgetsCallsThatLeaveTheWindow) {
    for (int i = 0; i < 10; ++i) call(true);
    for (int i = 0; i < 4; ++i) call(false);
    EXPECT_EQ(breaker.state().kind, Kind::Closed);
    for (int i = 0; i < 10; ++i) call(true);
    EXPECT_EQ(breaker.state().failed, 0);
    EXPECT_EQ(breaker.state().successful, 10);
    for (int i = 0; i < 5; ++i) call(false);
    EXPECT_EQ(breaker.state().kind, Kind::Open);
}

TEST_F(CircuitBreakerTest, PermitsNothingWhileOpenAndCountsIt) {
    open();
    clock.advance(small().open_wait - Microseconds(1));
    EXPECT_FALSE(breaker.permit());
    EXPECT_FALSE(breaker.permit());
    EXPECT_EQ(breaker.state().kind, Kind::Open);
    EXPECT_EQ(breaker.state().not_permitted, 2);
}

TEST_F(CircuitBreakerTest, ShowsHalfOpenOnceItsWaitHasPassed) {
    half_open();
    EXPECT_EQ(breaker.state().kind, Kind::HalfOpen);
    EXPECT_EQ(breaker.state().failed, 0);
    EXPECT_EQ(breaker.state().failure_percent, -1);
}

TEST_F(CircuitBreakerTest, LetsOnlyItsTrialsThroughWhileHalfOpen) {
    half_open();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(breaker.permit());
    EXPECT_FALSE(breaker.permit());
    EXPECT_EQ(breaker.state().not_permitted, 1);
}

TEST_F(CircuitBreakerTest, JudgesTheTrialsTogether) {
    half_open();
    call(false);
    call(true);
    EXPECT_EQ(breaker.state().kind, Kind::HalfOpen);
    EXPECT_EQ(breaker.state().failure_percent, -1);
    call(true);  // one of three failed
    EXPECT_EQ(breaker.state().kind, Kind::Closed);
    EXPECT_EQ(breaker.state().successful, 0);  // a new window
}

TEST_F(CircuitBreakerTest, OpensAgainWhenTooManyTrialsFail) {
    half_open();
    call(true);
    call(false);
    call(false);
    EXPECT_EQ(breaker.state().kind, Kind::Open);
    EXPECT_NEAR(breaker.state().failure_percent, 66.7, 0.1);
    clock.advance(small().open_wait - Microseconds(1));
    EXPECT_FALSE(breaker.permit());
    clock.advance(Microseconds(1));
    EXPECT_TRUE(breaker.permit());
}

TEST_F(CircuitBreakerTest, OpensAgainWhenTooManyTrialsAreSlow) {
    half_open();
    call(true);
    call(true, slow);
    call(true, slow);
    EXPECT_EQ(breaker.state().kind, Kind::Open);
}

TEST_F(CircuitBreakerTest, GivesAForgottenTrialToAnotherCall) {
    half_open();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(breaker.permit());
    breaker.forget();
    EXPECT_TRUE(breaker.permit());
    EXPECT_FALSE(breaker.permit());
    for (int i = 0; i < 3; ++i) breaker.record(true, fast);
    EXPECT_EQ(breaker.state().kind, Kind::Closed);
}

TEST_F(CircuitBreakerTest, ForgettingCountsNothingInAnyState) {
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(breaker.permit());
        breaker.forget();
    }
    EXPECT_EQ(breaker.state().successful + breaker.state().failed, 0);
    half_open();
    call(true);
    breaker.forget();  // of a call from before it opened: no more trials for it
    EXPECT_TRUE(breaker.permit());
    EXPECT_TRUE(breaker.permit());
    EXPECT_FALSE(breaker.permit());
}

TEST_F(CircuitBreakerTest, ACallThatEndsWhileOpenIsCountedButNotJudged) {
    ASSERT_TRUE(breaker.permit());
    open();
    clock.advance(small().open_wait / 2);
    breaker.record(false, fast);
    EXPECT_EQ(breaker.state().failed, 5);
    clock.advance(small().open_wait / 2);
    EXPECT_TRUE(breaker.permit());  // its wait did not begin again
}

TEST_F(CircuitBreakerTest, NamesItsStates) {
    EXPECT_EQ(name_of(Kind::Closed), "CLOSED");
    EXPECT_EQ(name_of(Kind::Open), "OPEN");
    EXPECT_EQ(name_of(Kind::HalfOpen), "HALF_OPEN");
}

TEST(CircuitBreaker, TakesOptionsThatMakeNoSense) {
    const ManualClock clock;
    CircuitBreakerOptions options;
    options.window_calls = 0;
    options.calls_min = 100;
    options.half_open_calls = -1;
    options.open_wait = Milliseconds(0);
    CircuitBreaker breaker(options, clock);
    breaker.record(false, fast);
    EXPECT_EQ(breaker.state().kind, Kind::HalfOpen);
    EXPECT_TRUE(breaker.permit());
    EXPECT_FALSE(breaker.permit());
    breaker.record(true, fast);
    EXPECT_EQ(breaker.state().kind, Kind::Closed);
}

TEST(CircuitBreaker, ManyThreadsShareItsTrials) {
    ManualClock clock;
    CircuitBreakerOptions options;
    options.half_open_calls = 7;
    CircuitBreaker breaker(options, clock);
    for (int i = 0; i < options.calls_min; ++i) breaker.record(false, fast);
    clock.advance(options.open_wait);
    std::atomic<int> permitted{0};
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 1'000; ++j) permitted += breaker.permit() ? 1 : 0;
        });
    }
    threads.clear();
    EXPECT_EQ(permitted, 7);
    EXPECT_EQ(breaker.state().not_permitted, 4'000 - 7);
}

TEST(CircuitBreaker, RandomCallsNeverLeaveItStuckOrOverPermitted) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        ManualClock clock;
        Random random(seed);
        CircuitBreaker breaker({20, 5, 50, 50, Milliseconds(2'000), Milliseconds(1'000), 4}, clock);
        int under_way = 0;
        for (int step = 0; step < 5'000; ++step) {
            const double dice = random.unit();
            if (dice < 0.4) {
                under_way += breaker.permit() ? 1 : 0;
            } else if (dice < 0.5 && under_way > 0) {
                breaker.forget();
                --under_way;
            } else if (dice < 0.9 && under_way > 0) {
                breaker.record(random.unit() < 0.5, random.unit() < 0.2 ? slow : fast);
                --under_way;
            } else {
                clock.advance(Milliseconds(100));
            }
            const CircuitState state = breaker.state();
            ASSERT_LE(state.successful + state.failed, 20);
        }
        for (; under_way > 0; --under_way) breaker.forget();
        clock.advance(Milliseconds(1'000));
        while (breaker.state().kind != Kind::Closed) {
            ASSERT_TRUE(breaker.permit());
            breaker.record(true, fast);
            if (breaker.state().kind == Kind::Open) clock.advance(Milliseconds(1'000));
        }
    }
}

}  // namespace
}  // namespace florin::limits
