#include "platform/limits/memory_rate_limiter.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/base/random.h"
#include "platform/runtime/result_of.h"

namespace florin::limits {
namespace {

/// Awaits a limiter from code that is no coroutine, on a loop of the calling thread.
class Caller {
public:
    explicit Caller(RateLimiter& limiter) : limiter_(limiter) {}

    RateDecision take(std::string_view key, RateLimit limit) {
        return runtime::result_of(loop_, limiter_.take(key, limit));
    }
    void give_back(std::string_view key, RateLimit limit) {
        runtime::run_until_done(loop_, limiter_.give_back(key, limit));
    }

private:
    RateLimiter& limiter_;
    runtime::Loop loop_{"test"};
};

constexpr RateLimit three_a_minute{3, Seconds(60)};

class MemoryRateLimiterTest : public ::testing::Test {
protected:
    ManualClock clock;
    MemoryRateLimiter limiter{clock};
    Caller caller{limiter};
};

TEST_F(MemoryRateLimiterTest, LetsTheCapacityThroughAtOnceAndThenRefuses) {
    for (const std::int64_t remaining : {2, 1, 0}) {
        const RateDecision decision = caller.take("m", three_a_minute);
        EXPECT_TRUE(decision.allowed);
        EXPECT_EQ(decision.limit, 3);
        EXPECT_EQ(decision.remaining, remaining);
        EXPECT_EQ(decision.reset, Seconds(20 * (3 - remaining)));
        EXPECT_EQ(decision.retry_after, Seconds(0));
        EXPECT_FALSE(decision.limiter_failed);
    }
    const RateDecision refused = caller.take("m", three_a_minute);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_EQ(refused.retry_after, Seconds(20));
    EXPECT_EQ(refused.reset, Seconds(60));
}

TEST_F(MemoryRateLimiterTest, RefillsEvenlyOverTheWindow) {
    for (int i = 0; i < 3; ++i) caller.take("m", three_a_minute);
    clock.advance(Seconds(20) - Microseconds(1));
    EXPECT_FALSE(caller.take("m", three_a_minute).allowed);
    EXPECT_EQ(caller.take("m", three_a_minute).retry_after, Seconds(1));
    clock.advance(Microseconds(1));
    EXPECT_TRUE(caller.take("m", three_a_minute).allowed);
    EXPECT_FALSE(caller.take("m", three_a_minute).allowed);
    clock.advance(Seconds(600));
    EXPECT_EQ(caller.take("m", three_a_minute).remaining, 2);
}

TEST_F(MemoryRateLimiterTest, CountsEachKeyForItself) {
    for (int i = 0; i < 3; ++i) caller.take("authorize:m-1", three_a_minute);
    EXPECT_FALSE(caller.take("authorize:m-1", three_a_minute).allowed);
    EXPECT_TRUE(caller.take("authorize:m-2", three_a_minute).allowed);
    EXPECT_TRUE(caller.take("refund:m-1", three_a_minute).allowed);
}

TEST_F(MemoryRateLimiterTest, GivesBackWhatItTook) {
    for (int i = 0; i < 3; ++i) caller.take("m", three_a_minute);
    caller.give_back("m", three_a_minute);
    EXPECT_TRUE(caller.take("m", three_a_minute).allowed);
    EXPECT_FALSE(caller.take("m", three_a_minute).allowed);
}

TEST_F(MemoryRateLimiterTest, NeverGivesBackMoreThanTheCapacity) {
    caller.give_back("m", three_a_minute);
    caller.take("m", three_a_minute);
    for (int i = 0; i < 10; ++i) caller.give_back("m", three_a_minute);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(caller.take("m", three_a_minute).allowed);
    EXPECT_FALSE(caller.take("m", three_a_minute).allowed);
}

TEST_F(MemoryRateLimiterTest, ACapacityOrWindowOfNothingIsNoLimit) {
    for (const RateLimit limit : {RateLimit{0, Seconds(60)}, RateLimit{-1, Seconds(60)},
                                  RateLimit{5, Seconds(0)}, RateLimit{5, Seconds(-1)}}) {
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(caller.take("m", limit).allowed);
        EXPECT_EQ(caller.take("m", limit).limit, 0);
        caller.give_back("m", limit);
    }
    EXPECT_EQ(limiter.keys(), 0U);
}

TEST_F(MemoryRateLimiterTest, TakesLimitsOfAnySize) {
    int key = 0;
    for (const RateLimit limit :
         {RateLimit{INT64_MAX, Seconds(INT64_MAX)}, RateLimit{1, Seconds(INT64_MAX)},
          RateLimit{INT64_MAX, Seconds(1)}}) {
        const std::string name = std::to_string(++key);
        EXPECT_TRUE(caller.take(name, limit).allowed) << name;
        for (int i = 0; i < 1'000; ++i) caller.give_back(name, limit);
        EXPECT_TRUE(caller.take(name, limit).allowed) << name;
    }
}

TEST_F(MemoryRateLimiterTest, AClockThatIsSetBackDelaysNobodyByMoreThanTheWindow) {
    for (int i = 0; i < 3; ++i) caller.take("m", three_a_minute);
    clock.advance(-std::chrono::hours(10));
    EXPECT_LE(caller.take("m", three_a_minute).retry_after, Seconds(20));
    clock.advance(Seconds(20));
    EXPECT_TRUE(caller.take("m", three_a_minute).allowed);
}

TEST_F(MemoryRateLimiterTest, ForgetsKeysThatAreFullAgain) {
    MemoryRateLimiter small(clock, 640);
    Caller of_small(small);
    for (int i = 0; i < 5'000; ++i) {
        of_small.take("key-" + std::to_string(i), three_a_minute);
        ASSERT_LE(small.keys(), 640U);
        clock.advance(Seconds(1));
    }
}

TEST_F(MemoryRateLimiterTest, AFloodOfNewKeysDoesNotFreeAnExhaustedOne) {
    MemoryRateLimiter small(clock, 640);
    Caller of_small(small);
    for (int i = 0; i < 3; ++i) of_small.take("exhausted", three_a_minute);
    for (int i = 0; i < 5'000; ++i) of_small.take("key-" + std::to_string(i), three_a_minute);
    EXPECT_LE(small.keys(), 640U);
    EXPECT_FALSE(of_small.take("exhausted", three_a_minute).allowed);
}

TEST(MemoryRateLimiter, NeverLetsMoreThroughThanCapacityAndRefillInAnyWindow) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        ManualClock clock;
        MemoryRateLimiter limiter(clock);
        Caller caller(limiter);
        const RateLimit limit{1 + static_cast<std::int64_t>(random.next() % 30),
                              Seconds(1 + random.next() % 90)};
        const Microseconds window = limit.window;
        std::vector<Instant> allowed;
        for (int call = 0; call < 600; ++call) {
            // Bursts, a steady trickle and long rests, in turns.
            const auto pause = static_cast<double>(window.count()) *
                               (random.unit() < 0.9 ? 0.1 * random.unit() : random.unit()) /
                               static_cast<double>(limit.capacity);
            clock.advance(Microseconds(static_cast<std::int64_t>(pause)));
            if (caller.take("m", limit).allowed) allowed.push_back(clock.now());
        }
        ASSERT_GE(allowed.size(), static_cast<std::size_t>(limit.capacity));
        for (std::size_t from = 0; from < allowed.size(); ++from) {
            for (std::size_t to = from; to < allowed.size(); ++to) {
                const auto calls = static_cast<std::int64_t>(to - from + 1);
                const auto refill = (allowed[to] - allowed[from]).count() * limit.capacity;
                ASSERT_LE((calls - limit.capacity) * window.count(), refill);
            }
        }
    }
}

TEST(MemoryRateLimiter, LetsEveryCallThroughThatKeepsToTheRate) {
    for (const std::int64_t capacity : {1, 3, 7, 20, 1'000}) {
        SCOPED_TRACE(capacity);
        ManualClock clock;
        MemoryRateLimiter limiter(clock);
        Caller caller(limiter);
        const RateLimit limit{capacity, Seconds(60)};
        for (int call = 0; call < 2'000; ++call) {
            ASSERT_TRUE(caller.take("m", limit).allowed) << call;
            clock.advance(Microseconds(60'000'000 / capacity + 1));
        }
    }
}

TEST(MemoryRateLimiter, ThreadsTogetherGetTheCapacity) {
    const ManualClock clock;
    MemoryRateLimiter limiter(clock);
    std::atomic<int> allowed{0};
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            Caller caller(limiter);
            for (int j = 0; j < 200; ++j) {
                allowed += caller.take("shared", {100, Seconds(60)}).allowed ? 1 : 0;
                caller.take("key-" + std::to_string(j), three_a_minute);
            }
        });
    }
    threads.clear();
    EXPECT_EQ(allowed, 100);
}

}  // namespace
}  // namespace florin::limits
