#include "platform/redis/url.h"

#include <gtest/gtest.h>

namespace florin::redis {
namespace {

TEST(RedisUrl, IsTakenApart) {
    const auto address = parse_redis_url("redis://florin:s%40crt@Cache.internal:6380/3");
    ASSERT_TRUE(address) << address.error();
    EXPECT_FALSE(address->tls);
    EXPECT_EQ(address->host, "cache.internal");
    EXPECT_EQ(address->port, 6380);
    EXPECT_EQ(address->user, "florin");
    EXPECT_EQ(address->password, "s@crt");
    EXPECT_EQ(address->database, 3U);
}

TEST(RedisUrl, NeedsOnlyAHost) {
    const auto address = parse_redis_url("redis://localhost");
    ASSERT_TRUE(address) << address.error();
    EXPECT_EQ(address->host, "localhost");
    EXPECT_EQ(address->port, 6379);
    EXPECT_TRUE(address->password.empty());
    EXPECT_EQ(address->database, 0U);
    EXPECT_EQ(parse_redis_url("redis://:word@localhost:80/")->password, "word");
    EXPECT_EQ(parse_redis_url("redis://:word@localhost:80/")->port, 80);
    EXPECT_EQ(parse_redis_url("redis://[::1]/2")->host, "::1");
    EXPECT_EQ(parse_redis_url("redis://[::1]:7/2")->port, 7);
    EXPECT_TRUE(parse_redis_url("rediss://cache.example.com")->tls);
}

TEST(RedisUrl, IsShownWithoutItsPassword) {
    EXPECT_EQ(parse_redis_url("redis://florin:secret@cache:6379/1")->shown(),
              "redis://florin:***@cache:6379/1");
    EXPECT_EQ(parse_redis_url("redis://:secret@cache")->shown(), "redis://:***@cache:6379/0");
    EXPECT_EQ(parse_redis_url("rediss://[fe80::1]:7")->shown(), "rediss://[fe80::1]:7/0");
}

TEST(RedisUrl, IsRefusedWithAReasonThatKeepsThePassword) {
    for (const char* const text : {"",
                                   "localhost:6379",
                                   "http://localhost",
                                   "redis://",
                                   "redis://:secret@",
                                   "redis://a:b:c",
                                   "redis://host:0",
                                   "redis://host:65536",
                                   "redis://host:secret",
                                   "redis://host/secret",
                                   "redis://host/1/2",
                                   "redis://host/65536",
                                   "redis://host/-1",
                                   "redis://host?secret=1",
                                   "redis://secret@host",
                                   "redis://user:%secret@host",
                                   "redis://user:secret/@host",
                                   "redis://user:se@cret@host",
                                   "redis://user:secret%2@host",
                                   "redis://[::1",
                                   "redis://h st",
                                   "redis://host#1"}) {
        const auto address = parse_redis_url(text);
        ASSERT_FALSE(address) << text;
        EXPECT_FALSE(address.error().empty()) << text;
        EXPECT_EQ(address.error().find("secret"), std::string::npos) << address.error();
    }
    EXPECT_FALSE(parse_redis_url("redis://" + std::string(2'100, 'a')));
}

}  // namespace
}  // namespace florin::redis
