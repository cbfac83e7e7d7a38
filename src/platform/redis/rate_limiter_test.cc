#include "platform/redis/rate_limiter.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/limits/memory_rate_limiter.h"
#include "platform/redis/test_world.h"

namespace florin::redis {
namespace {

using limits::RateDecision;
using limits::RateLimit;

/// A limiter with a hand on its time.
class LimiterWorld {
public:
    virtual ~LimiterWorld() = default;
    virtual limits::RateLimiter& limiter() = 0;
    virtual TestClient& client() = 0;
    virtual void advance(Seconds duration) = 0;

    RateDecision take(std::string_view key, RateLimit limit) {
        return client().get(limiter().take(key, limit));
    }
    void give_back(std::string_view key, RateLimit limit) {
        client().run(limiter().give_back(key, limit));
    }
};

class MemoryWorld final : public LimiterWorld {
public:
    limits::RateLimiter& limiter() override { return limiter_; }
    TestClient& client() override { return client_; }
    void advance(Seconds duration) override { clock_.advance(duration); }

private:
    ManualClock clock_;
    limits::MemoryRateLimiter limiter_{clock_};
    TestClient client_{shared_server().url()};
};

class RedisWorld final : public LimiterWorld {
public:
    RedisWorld() {
        require(client_.reached(), "the server runs");
        client_.call({"FLUSHALL"});
    }
    limits::RateLimiter& limiter() override { return limiter_; }
    TestClient& client() override { return client_; }
    // The server's clock is nobody's to set: its buckets move back instead.
    void advance(Seconds duration) override {
        static const Script move(R"lua(
for _, key in ipairs(redis.call('KEYS', 'rate:*')) do
  local us, rest = string.match(redis.call('GET', key), '^(%d+)(%.%d+)$')
  redis.call('SET', key, string.format('%.0f', us - ARGV[1] * 1000000) .. rest, 'KEEPTTL')
end
return 1
)lua");
        client_.run(run(move, client_.client(), duration));
    }

private:
    static awaitable<void> run(const Script& script, Client& client, Seconds duration) {
        const Answer answer = co_await script.run(client, 0, {std::to_string(duration.count())});
        require(answer.has_value(), "the buckets can be moved");
    }

    TestClient client_{shared_server().url()};
    RedisRateLimiter limiter_{client_.client()};
};

std::unique_ptr<LimiterWorld> world_named(std::string_view name) {
    if (name == "redis") return std::make_unique<RedisWorld>();
    return std::make_unique<MemoryWorld>();
}

// Hours, so that the seconds a busy machine loses decide nothing.
constexpr Seconds hour{3'600};
constexpr RateLimit three_in_three_hours{3, 3 * hour};

class RateLimiter : public ::testing::TestWithParam<const char*> {
protected:
    std::unique_ptr<LimiterWorld> world = world_named(GetParam());
};

TEST_P(RateLimiter, LetsTheCapacityThroughAtOnceAndThenRefuses) {
    for (const std::int64_t remaining : {2, 1, 0}) {
        const RateDecision decision = world->take("m", three_in_three_hours);
        EXPECT_TRUE(decision.allowed);
        EXPECT_EQ(decision.limit, 3);
        EXPECT_EQ(decision.remaining, remaining);
        EXPECT_GT(decision.reset, hour * (3 - remaining) - Seconds(600));
        EXPECT_LE(decision.reset, hour * (3 - remaining));
        EXPECT_EQ(decision.retry_after, Seconds(0));
        EXPECT_FALSE(decision.limiter_failed);
    }
    const RateDecision refused = world->take("m", three_in_three_hours);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_GT(refused.retry_after, hour - Seconds(600));
    EXPECT_LE(refused.retry_after, hour);
    EXPECT_LE(refused.reset, 3 * hour);
}

TEST_P(RateLimiter, RefillsEvenlyOverTheWindow) {
    for (int i = 0; i < 3; ++i) world->take("m", three_in_three_hours);
    world->advance(hour - Seconds(1'800));
    EXPECT_FALSE(world->take("m", three_in_three_hours).allowed);
    world->advance(Seconds(1'800));
    EXPECT_TRUE(world->take("m", three_in_three_hours).allowed);
    EXPECT_FALSE(world->take("m", three_in_three_hours).allowed);
    world->advance(30 * hour);
    EXPECT_EQ(world->take("m", three_in_three_hours).remaining, 2);
}

TEST_P(RateLimiter, CountsEachKeyForItself) {
    for (int i = 0; i < 3; ++i) world->take("authorize:m-1", three_in_three_hours);
    EXPECT_FALSE(world->take("authorize:m-1", three_in_three_hours).allowed);
    EXPECT_TRUE(world->take("authorize:m-2", three_in_three_hours).allowed);
    EXPECT_TRUE(world->take("refund:m-1", three_in_three_hours).allowed);
}

TEST_P(RateLimiter, GivesBackWhatItTook) {
    for (int i = 0; i < 3; ++i) world->take("m", three_in_three_hours);
    world->give_back("m", three_in_three_hours);
    EXPECT_TRUE(world->take("m", three_in_three_hours).allowed);
    EXPECT_FALSE(world->take("m", three_in_three_hours).allowed);
}

TEST_P(RateLimiter, NeverGivesBackMoreThanTheCapacity) {
    world->give_back("m", three_in_three_hours);
    world->take("m", three_in_three_hours);
    for (int i = 0; i < 10; ++i) world->give_back("m", three_in_three_hours);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(world->take("m", three_in_three_hours).allowed);
    EXPECT_FALSE(world->take("m", three_in_three_hours).allowed);
}

TEST_P(RateLimiter, ACapacityOrWindowOfNothingIsNoLimit) {
    for (const RateLimit limit : {RateLimit{0, Seconds(60)}, RateLimit{-1, Seconds(60)},
                                  RateLimit{5, Seconds(0)}, RateLimit{5, Seconds(-1)}}) {
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(world->take("m", limit).allowed);
        EXPECT_EQ(world->take("m", limit).limit, 0);
        world->give_back("m", limit);
    }
}

TEST_P(RateLimiter, TakesLimitsOfAnySize) {
    int key = 0;
    for (const RateLimit limit :
         {RateLimit{INT64_MAX, Seconds(INT64_MAX)}, RateLimit{1, Seconds(INT64_MAX)},
          RateLimit{INT64_MAX, Seconds(1)}}) {
        const std::string name = std::to_string(++key);
        EXPECT_TRUE(world->take(name, limit).allowed) << name;
        for (int i = 0; i < 100; ++i) world->give_back(name, limit);
        const RateDecision decision = world->take(name, limit);
        EXPECT_TRUE(decision.allowed) << name;
        EXPECT_FALSE(decision.limiter_failed) << name;
    }
}

TEST_P(RateLimiter, AClockThatIsSetBackDelaysNobodyByMoreThanTheWindow) {
    for (int i = 0; i < 3; ++i) world->take("m", three_in_three_hours);
    world->advance(-1'000 * hour);
    EXPECT_LE(world->take("m", three_in_three_hours).retry_after, hour);
    world->advance(hour + Seconds(60));
    EXPECT_TRUE(world->take("m", three_in_three_hours).allowed);
}

TEST_P(RateLimiter, AllowsAsManyAsTheOtherLimiterWhateverTheSteps) {
    const auto memory = std::make_unique<MemoryWorld>();
    Random random(7);
    const RateLimit limit{7, Seconds(7'000'000)};
    for (int step = 0; step < 200; ++step) {
        // Whole refills and half ones: between both there is more time than a test takes.
        const Seconds pause(500'000 * static_cast<std::int64_t>(random.next() % 4) + 1'000);
        world->advance(pause);
        memory->advance(pause);
        if (random.unit() < 0.2) {
            world->give_back("m", limit);
            memory->give_back("m", limit);
        }
        const RateDecision here = world->take("m", limit);
        const RateDecision there = memory->take("m", limit);
        ASSERT_EQ(here.allowed, there.allowed) << step;
        ASSERT_EQ(here.remaining, there.remaining) << step;
    }
}

INSTANTIATE_TEST_SUITE_P(Adapters, RateLimiter, ::testing::Values("memory", "redis"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST(RedisRateLimiter, InstancesTogetherGetTheCapacity) {
    RedisWorld first;
    std::atomic<int> allowed{0};
    std::vector<std::jthread> instances;
    for (int i = 0; i < 4; ++i) {
        instances.emplace_back([&] {
            TestClient client(shared_server().url());
            require(client.reached(), "the server runs");
            RedisRateLimiter limiter(client.client());
            for (int j = 0; j < 100; ++j) {
                client.run([](limits::RateLimiter& shared,
                              std::atomic<int>& let_through) -> awaitable<void> {
                    const auto decision = co_await shared.take("shared", {100, 100 * hour});
                    let_through += decision.allowed ? 1 : 0;
                }(limiter, allowed));
            }
        });
    }
    instances.clear();
    EXPECT_EQ(allowed, 100);
}

TEST(RedisRateLimiter, KeepsABucketUnderTheNameOfItsLimitUntilItIsFull) {
    RedisWorld world;
    world.take("authorize:m-1", three_in_three_hours);
    EXPECT_EQ(world.client().call({"KEYS", "*"})->elements.at(0).text, "rate:authorize:m-1");
    const auto left = world.client().call({"PTTL", "rate:authorize:m-1"})->integer;
    EXPECT_GT(left, 0);
    EXPECT_LE(left, Milliseconds(hour).count() + 1);
    world.give_back("authorize:m-1", three_in_three_hours);
    EXPECT_EQ(world.client().call({"DBSIZE"})->integer, 0);
}

TEST(RedisRateLimiter, TakesWhatItDidNotWriteForAFullBucket) {
    RedisWorld world;
    for (const auto& command :
         {Command{"SET", "rate:m", "17"}, Command{"SET", "rate:m", "9e99.1"},
          Command{"SET", "rate:m", ""}, Command{"HSET", "rate:m", "a", "1"}}) {
        world.client().call({"DEL", "rate:m"});
        ASSERT_TRUE(world.client().call(command));
        world.give_back("m", three_in_three_hours);
        const RateDecision decision = world.take("m", three_in_three_hours);
        EXPECT_TRUE(decision.allowed);
        EXPECT_FALSE(decision.limiter_failed);
        EXPECT_EQ(decision.remaining, 2);
    }
}

TEST(RedisRateLimiter, SendsItsScriptAgainWhenTheServerHasForgottenIt) {
    RedisWorld world;
    world.take("m", three_in_three_hours);
    ASSERT_TRUE(world.client().call({"SCRIPT", "FLUSH"}));
    const RateDecision decision = world.take("m", three_in_three_hours);
    EXPECT_FALSE(decision.limiter_failed);
    EXPECT_EQ(decision.remaining, 1);
    ASSERT_TRUE(world.client().call({"SCRIPT", "FLUSH"}));
    world.give_back("m", three_in_three_hours);
    EXPECT_EQ(world.take("m", three_in_three_hours).remaining, 1);
}

}  // namespace
}  // namespace florin::redis
