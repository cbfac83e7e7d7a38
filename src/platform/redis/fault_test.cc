#include <thread>

#include <gtest/gtest.h>

#include "platform/http/channel.h"
#include "platform/redis/cache.h"
#include "platform/redis/rate_limiter.h"
#include "platform/redis/test_world.h"

namespace florin::redis {
namespace {

using limits::RateDecision;
using limits::RateLimit;
using Kind = Failure::Kind;

constexpr RateLimit two_an_hour{2, Seconds(3'600)};

limits::CircuitBreakerOptions quick_breaker() {
    limits::CircuitBreakerOptions options;
    options.calls_min = 5;
    options.window_calls = 10;
    options.half_open_calls = 2;
    options.slow_call = Milliseconds(10'000);
    options.open_wait = Milliseconds(20);
    return options;
}

/// A client whose breaker and time-outs are those of production, only shorter.
ClientOptions impatient(const std::string& url) {
    ClientOptions options = options_for(url);
    options.connection.command_timeout = Milliseconds(100);
    options.connection.stall_timeout = Milliseconds(300);
    options.connection.connect_timeout = Milliseconds(300);
    return options;
}

class FaultWorld {
public:
    explicit FaultWorld(const std::string& url) : client(impatient(url), quick_breaker()) {}

    RateDecision take() { return client.get(limiter.take("m", two_an_hour)); }
    /// Takes until the limiter counts again (or no longer does).
    bool comes_to(bool failing) {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(30);
        while (take().limiter_failed != failing) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            client.run(runtime::sleep_for(Milliseconds(5)));
        }
        return true;
    }
    /// Takes until the limiter, which counts, has nothing left.
    bool comes_to_refuse() {
        for (int tries = 0; tries < 100 && comes_to(false); ++tries) {
            if (!take().allowed) return true;
        }
        return false;
    }
    double count(const std::string& series) {
        const std::string text = client.scrape();
        const auto at = text.find("\n" + series + " ");
        return at == std::string::npos ? 0 : std::stod(text.substr(at + series.size() + 2));
    }

    TestClient client;
    RedisRateLimiter limiter{client.client()};
    RedisCache cache{client.client()};
};

awaitable<void> look_up(cache::Cache& cache, std::optional<std::string>& found) {
    found = co_await cache.find("key");
}

void expect_let_through(FaultWorld& world) {
    const RateDecision decision = world.take();
    EXPECT_TRUE(decision.allowed);
    EXPECT_TRUE(decision.limiter_failed);
    std::optional<std::string> found;
    world.client.run(look_up(world.cache, found));
    EXPECT_FALSE(found);
}

TEST(RedisFaults, NobodyThereLetsEverythingThroughAndOpensTheBreaker) {
    TestServer server;
    server.kill();
    FaultWorld world(server.url());
    for (int i = 0; i < 20; ++i) expect_let_through(world);
    EXPECT_GT(world.count("florin_redis_failures_total{reason=\"not_connected\"}"), 0);
    EXPECT_GT(world.count("florin_redis_failures_total{reason=\"not_called\"}"), 0);
    EXPECT_FALSE(world.client.health().fault().empty());
    server.start();
    EXPECT_TRUE(world.comes_to(false));
    EXPECT_TRUE(world.client.holds([&] { return world.client.health().fault().empty(); }));
}

TEST(RedisFaults, AServerThatIsKilledAndComesBackCountsAgain) {
    TestServer server;
    FaultWorld world(server.url());
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(world.comes_to(false));
        server.kill();
        ASSERT_TRUE(world.comes_to(true));
        expect_let_through(world);
        server.start();
    }
    EXPECT_TRUE(world.comes_to(false));
}

TEST(RedisFaults, AServerThatHangsDelaysNobodyForLongAndIsLeftAlone) {
    TestServer server;
    FaultWorld world(server.url());
    ASSERT_TRUE(world.comes_to(false));
    server.pause();
    for (int i = 0; i < 20; ++i) expect_let_through(world);
    EXPECT_GE(world.count("florin_redis_failures_total{reason=\"timed_out\"}"), 1);
    EXPECT_GE(world.count("florin_redis_failures_total{reason=\"not_called\"}"), 1);
    server.go_on();
    EXPECT_TRUE(world.comes_to_refuse()) << "what it had counted is still there";
}

/// Asks until the answer is one that `wanted` wants.
bool answers_once(TestClient& client, bool (*wanted)(const Answer&)) {
    const auto deadline = std::chrono::steady_clock::now() + Seconds(30);
    while (!wanted(client.call({"PING"}))) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        client.run(runtime::sleep_for(Milliseconds(1)));
    }
    return true;
}

TEST(RedisFaults, AConnectionWithoutAnswersIsOpenedAnew) {
    TestServer server;
    TestClient client(impatient(server.url()));
    ASSERT_TRUE(client.reached());
    server.pause();
    EXPECT_TRUE(answers_once(client, [](const Answer& answer) {
        return !answer && answer.error().kind == Kind::NotConnected;
    }));
    server.go_on();
    EXPECT_TRUE(answers_once(client, [](const Answer& answer) { return answer.has_value(); }));
}

TEST(RedisFaults, AServerThatHasBecomeAReplicaIsLeftForTheOneBehindItsName) {
    const std::string nobody = std::to_string(TestServer::free_port());
    for (const Command& command :
         {Command{"SET", "key", "1"},
          Command{"EVAL", "return redis.call('SET', KEYS[1], '1')", "1", "key"}}) {
        TestServer server;
        ClientOptions options = options_for(server.url());
        options.connections = 1;
        TestClient client(options);
        ASSERT_TRUE(client.reached());
        const Answer before = client.call({"CLIENT", "ID"});
        ASSERT_TRUE(before);
        ASSERT_TRUE(client.call({"REPLICAOF", "127.0.0.1", nobody}));
        const Answer refused = client.call(command);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, Kind::Refused);
        EXPECT_NE(refused.error().reason.find("READONLY"), std::string::npos)
            << refused.error().reason;
        ASSERT_TRUE(answers_once(client, [](const Answer& answer) { return answer.has_value(); }));
        const Answer after = client.call({"CLIENT", "ID"});
        ASSERT_TRUE(after);
        EXPECT_NE(after->integer, before->integer) << "the number of a connection";
    }
}

TEST(RedisFaults, AServerThatHasBecomeAReplicaCountsAgainOnceItIsTheMaster) {
    TestServer server;
    FaultWorld world(server.url());
    TestClient operators(server.url());
    ASSERT_TRUE(operators.reached());
    ASSERT_TRUE(world.comes_to(false));
    const std::string nobody = std::to_string(TestServer::free_port());
    ASSERT_TRUE(operators.call({"REPLICAOF", "127.0.0.1", nobody}));
    ASSERT_TRUE(world.comes_to(true));
    ASSERT_TRUE(operators.call({"REPLICAOF", "NO", "ONE"}));
    EXPECT_TRUE(world.comes_to(false));
}

TEST(RedisFaults, AnErrorOfTheServerCountsAsAFailureOfIt) {
    TestServer server({"--maxmemory", "1"});
    FaultWorld world(server.url());
    ASSERT_TRUE(world.client.reached());
    for (int i = 0; i < 10; ++i) expect_let_through(world);
    EXPECT_GT(world.count("florin_redis_failures_total{reason=\"refused\"}"), 0);
}

TEST(RedisFaults, CallersUnderWayHearThatTheConnectionBroke) {
    TestServer server;
    TestClient client(server.url());
    ASSERT_TRUE(client.reached());
    std::vector<Answer> answers;
    const auto ask = [](Client& asked, std::vector<Answer>& told) -> awaitable<void> {
        told.push_back(co_await asked.call({"BLPOP", "nothing", "0"}));
    };
    for (int i = 0; i < 4; ++i)
        runtime::spawn(client.loop(), "caller", ask(client.client(), answers));
    client.run(runtime::sleep_for(Milliseconds(1)));
    server.kill();
    ASSERT_TRUE(client.holds([&] { return answers.size() == 4; }));
    for (const Answer& answer : answers) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::Broken);
    }
}

/// A port that says `text` to everybody.
class Impostor {
public:
    Impostor(runtime::Loop& loop, std::string text)
        : watchdog_(std::make_unique<http::Watchdog>(loop)),
          listener_(std::make_unique<http::Listener>(loop)),
          text_(std::move(text)) {
        require(!listener_->listen("127.0.0.1", 0, http::Listener::Sharing::Alone),
                "a port is free");
        runtime::spawn(loop, "impostor", serve());
    }
    [[nodiscard]] std::string url() const {
        return "redis://127.0.0.1:" + std::to_string(listener_->port());
    }
    void stop() {
        channels_.clear();
        listener_.reset();
        watchdog_.reset();
    }

private:
    awaitable<void> serve() {
        for (;;) {
            std::error_code failed;
            auto channel = co_await listener_->accept(*watchdog_, failed);
            if (failed) co_return;
            if (!text_.empty()) co_await channel->write(text_);
            channels_.push_back(std::move(channel));
        }
    }

    std::unique_ptr<http::Watchdog> watchdog_;
    std::unique_ptr<http::Listener> listener_;
    std::vector<std::unique_ptr<http::Channel>> channels_;
    std::string text_;
};

TEST(RedisFaults, APortThatIsNoRedisIsNamedAndLetsEverythingThrough) {
    struct Case {
        std::string says;
        std::string fault;
    };
    for (const auto& [says, fault] :
         {Case{"HTTP/1.1 400 Bad Request\r\n\r\n", "not the protocol of Redis"},
          Case{"*2147483647\r\n", "too large"}, Case{":1\r\n", "no Redis"},
          Case{"-ERR no such thing\r\n", "it answers ERR no such thing"},
          Case{"", "not answer in time"}}) {
        runtime::Loop loop("impostor");
        Impostor impostor(loop, says);
        std::jthread thread([&] { loop.run(); });
        {
            FaultWorld world(impostor.url());
            EXPECT_TRUE(world.client.holds([&, &text = fault] {
                return world.client.health().fault().find(text) != std::string::npos;
            })) << says
                << ": " << world.client.health().fault();
            expect_let_through(world);
        }
        loop.stop();
        thread.join();
        impostor.stop();
    }
}

TEST(RedisFaults, WhatALogInIsAnsweredIsNotQuotedForItMayHoldThePassword) {
    runtime::Loop loop("impostor");
    Impostor impostor(
        loop, "-ERR unknown command 'AUTH', with args beginning with: 'florin' 'pass~word'\r\n");
    std::jthread thread([&] { loop.run(); });
    {
        std::string url = impostor.url();
        TestClient client(url.insert(url.find("//") + 2, "florin:pass~word@"));
        EXPECT_TRUE(client.holds([&] {
            return client.health().fault() ==
                   "it refuses the user or password of REDIS_URL (AUTH: ERR)";
        })) << client.health().fault();
    }
    loop.stop();
    thread.join();
    impostor.stop();
}

}  // namespace
}  // namespace florin::redis
