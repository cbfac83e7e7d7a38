#include "platform/redis/cache.h"

#include <optional>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/cache/memory_cache.h"
#include "platform/redis/test_world.h"

namespace florin::redis {
namespace {

/// A cache with a hand on its time.
class CacheWorld {
public:
    virtual ~CacheWorld() = default;
    virtual cache::Cache& cache() = 0;
    virtual TestClient& client() = 0;
    /// Ends the lifetime of all there is.
    virtual void outlive_all() = 0;

    std::optional<std::string> find(const std::string& key) {
        return client().get(cache().find(key));
    }
    bool comes(const std::string& key, const std::string& value) {
        return client().get(wait(cache(), key, value));
    }

private:
    static awaitable<bool> wait(cache::Cache& cache, std::string key, std::string value) {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(30);
        while (co_await cache.find(key) != value) {
            if (std::chrono::steady_clock::now() > deadline) co_return false;
            co_await runtime::sleep_for(Milliseconds(1));
        }
        co_return true;
    }
};

class MemoryWorld final : public CacheWorld {
public:
    cache::Cache& cache() override { return cache_; }
    TestClient& client() override { return client_; }
    void outlive_all() override { clock_.advance(std::chrono::hours(1'000)); }

private:
    TestClient client_{shared_server().url()};
    ManualClock clock_;
    cache::MemoryCache cache_{clock_};
};

class RedisWorld final : public CacheWorld {
public:
    RedisWorld() {
        require(client_.reached(), "the server runs");
        client_.call({"FLUSHALL"});
    }
    cache::Cache& cache() override { return cache_; }
    TestClient& client() override { return client_; }
    void outlive_all() override {
        const auto keys = client_.call({"KEYS", "*"});
        for (const Reply& key : keys->elements) {
            require(client_.call({"PTTL", key.text})->integer > 0, "what is kept has an end");
            client_.call({"PEXPIRE", key.text, "0"});
        }
    }

private:
    TestClient client_{shared_server().url()};
    RedisCache cache_{client_.client()};
};

class Cache : public ::testing::TestWithParam<const char*> {
protected:
    Cache() {
        if (std::string_view(GetParam()) == "redis") {
            world = std::make_unique<RedisWorld>();
        } else {
            world = std::make_unique<MemoryWorld>();
        }
    }
    std::unique_ptr<CacheWorld> world;
};

TEST_P(Cache, FindsWhatItKeepsWhateverBytesItHas) {
    const std::string value("a\0b\r\n\xFF", 6);
    const std::string key("k\n\0", 3);
    EXPECT_FALSE(world->find(key));
    world->cache().keep(key, value, Milliseconds(600'000));
    EXPECT_TRUE(world->comes(key, value));
    EXPECT_FALSE(world->find("k"));
}

TEST_P(Cache, KeepsTheLastValue) {
    world->cache().keep("key", "one", Milliseconds(600'000));
    world->cache().keep("key", "two", Milliseconds(600'000));
    EXPECT_TRUE(world->comes("key", "two"));
}

TEST_P(Cache, ForgetsWhenTheTimeIsOver) {
    world->cache().keep("key", "value", Milliseconds(600'000));
    ASSERT_TRUE(world->comes("key", "value"));
    world->outlive_all();
    EXPECT_FALSE(world->find("key"));
}

INSTANTIATE_TEST_SUITE_P(Adapters, Cache, ::testing::Values("memory", "redis"),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST(RedisCache, DoesNotKeepWhatIsTooLargeOrHasNoTime) {
    RedisWorld world;
    world.cache().keep("large", std::string(RedisCache::value_bytes_max + 1, 'x'),
                       Milliseconds(600'000));
    world.cache().keep("late", "x", Milliseconds(0));
    world.cache().keep("last", "x", Milliseconds(600'000));
    EXPECT_TRUE(world.comes("last", "x"));
    EXPECT_FALSE(world.find("large"));
    EXPECT_FALSE(world.find("late"));
}

TEST(RedisCache, TakesAnEntryOfAnotherTypeForNone) {
    RedisWorld world;
    ASSERT_TRUE(world.client().call({"LPUSH", "list", "x"}));
    EXPECT_FALSE(world.find("list"));
}

}  // namespace
}  // namespace florin::redis
