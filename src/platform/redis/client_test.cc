#include "platform/redis/client.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/http/self_signed.h"
#include "platform/redis/test_world.h"

namespace florin::redis {
namespace {

using Kind = Failure::Kind;

class RedisClient : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(world.reached()) << world.health().fault();
        ASSERT_TRUE(world.call({"FLUSHALL"}));
    }
    TestClient world{shared_server().url()};
};

TEST_F(RedisClient, AnswersCommands) {
    EXPECT_EQ(world.call({"SET", "key", std::string_view("a\0b\r\n", 5)})->text, "OK");
    EXPECT_EQ(world.call({"GET", "key"})->text, std::string_view("a\0b\r\n", 5));
    EXPECT_EQ(world.call({"GET", "none"})->kind, Reply::Kind::Nil);
    EXPECT_EQ(world.call({"APPEND", "key", ""})->integer, 5);
    EXPECT_EQ(world.call({"KEYS", "*"})->elements.at(0).text, "key");
}

TEST_F(RedisClient, SaysWhyACommandIsRefused) {
    const Answer answer = world.call({"GET"});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::Refused);
    EXPECT_TRUE(answer.error().reason.starts_with("ERR")) << answer.error().reason;
    EXPECT_NE(world.scrape().find("florin_redis_failures_total{reason=\"refused\"} 1"),
              std::string::npos);
}

awaitable<void> count_up(Client& client, int caller, int times, int& right) {
    for (int i = 0; i < times; ++i) {
        const std::string text = std::to_string(caller * times + i);
        const Answer answer = co_await client.call({"ECHO", text});
        if (answer && answer->text == text) ++right;
    }
}

TEST_F(RedisClient, GivesEachOfManyCallersItsOwnAnswer) {
    constexpr int callers = 200;
    constexpr int times = 20;
    int right = 0;
    for (int i = 0; i < callers; ++i)
        runtime::spawn(world.loop(), "caller", count_up(world.client(), i, times, right));
    EXPECT_TRUE(world.holds([&] { return right == callers * times; })) << right;
}

awaitable<void> call_once(Client& client, Command command, std::vector<Answer>& answers) {
    answers.push_back(co_await client.call(std::move(command)));
}

TEST(RedisClientOptions, BoundTheCommandsUnderWay) {
    ClientOptions options = options_for(shared_server().url());
    options.connections = 1;
    options.connection.commands_max = 3;
    TestClient world(options);
    ASSERT_TRUE(world.reached());
    std::vector<Answer> answers;
    for (int i = 0; i < 5; ++i)
        runtime::spawn(world.loop(), "caller", call_once(world.client(), {"PING"}, answers));
    ASSERT_TRUE(world.holds([&] { return answers.size() == 5; }));
    const auto busy = std::ranges::count_if(
        answers, [](const Answer& a) { return !a && a.error().kind == Kind::Busy; });
    EXPECT_EQ(busy, 2);
}

TEST(RedisClientOptions, ChooseTheDatabase) {
    TestClient first(shared_server().url());
    const std::string url = "redis://127.0.0.1:" + std::to_string(shared_server().port()) + "/5";
    TestClient sixth(url);
    ASSERT_TRUE(first.reached());
    ASSERT_TRUE(sixth.reached());
    ASSERT_TRUE(first.call({"FLUSHALL"}));
    ASSERT_TRUE(sixth.call({"SET", "here", "1"}));
    EXPECT_EQ(first.call({"DBSIZE"})->integer, 0);
    EXPECT_EQ(sixth.call({"DBSIZE"})->integer, 1);
    TestClient none("redis://127.0.0.1:" + std::to_string(shared_server().port()) + "/60000");
    EXPECT_TRUE(none.holds([&] {
        return none.health().fault().find("out of range") != std::string::npos;
    })) << none.health().fault();
}

TEST(RedisClientOptions, LogIn) {
    TestServer server(
        {"--requirepass", "s@crt/word", "--user", "florin", "on", ">own~word", "~*", "+@all"});
    const std::string port = std::to_string(server.port());
    TestClient by_password("redis://:s%40crt%2Fword@127.0.0.1:" + port);
    EXPECT_TRUE(by_password.reached());
    TestClient by_user("redis://florin:own~word@127.0.0.1:" + port);
    ASSERT_TRUE(by_user.reached());
    EXPECT_EQ(by_user.call({"ACL", "WHOAMI"})->text, "florin");
    struct Case {
        std::string url;
        std::string said;
    };
    for (const auto& [url, said] :
         {Case{"redis://:wrongword@127.0.0.1:" + port, "refuses the user or password"},
          Case{"redis://nobody:wrongword@127.0.0.1:" + port, "refuses the user or password"},
          Case{"redis://127.0.0.1:" + port, "asks for a password"}}) {
        TestClient world(url);
        EXPECT_TRUE(world.holds([&, &text = said] {
            return world.health().fault().find(text) != std::string::npos;
        })) << url
            << ": " << world.health().fault();
        EXPECT_EQ(world.health().fault().find("wrongword"), std::string::npos);
        const Answer answer = world.call({"PING"});
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, Kind::NotConnected);
    }
}

TEST(RedisClientOptions, SpeakTlsToAServerTheyTrust) {
    const http::testing::SelfSigned files;
    const std::string port = std::to_string(TestServer::free_port());
    const TestServer server({"--tls-port", port, "--tls-cert-file", files.certificate_file(),
                             "--tls-key-file", files.key_file(), "--tls-ca-cert-file",
                             files.certificate_file(), "--tls-auth-clients", "no"});
    ClientOptions options = options_for("rediss://localhost:" + port);
    {
        TestClient strange(options);
        EXPECT_TRUE(strange.holds([&] {
            return strange.health().fault().starts_with("no TLS is possible");
        })) << strange.health().fault();
    }
    options.connection.ca_file = files.certificate_file();
    TestClient world(options);
    ASSERT_TRUE(world.reached()) << world.health().fault();
    EXPECT_EQ(world.call({"ECHO", std::string(100'000, 'x')})->text.size(), 100'000U);
    options.connection.ca_file = "/no/such/file";
    EXPECT_THROW(TestClient missing(options), std::runtime_error);
}

constexpr const char* dead = "127.0.0.2";

/// A port of an address where a connection is neither taken nor refused, as behind a firewall that
/// drops what it does not like: its queue is full, and nobody takes from it.
class DeadPort {
public:
    explicit DeadPort(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        ::inet_pton(AF_INET, dead, &address.sin_addr);
        const auto* const there = reinterpret_cast<const sockaddr*>(&address);
        for (int& socket : sockets_) {
            socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            if (&socket != &sockets_.front()) {
                ::connect(socket, there, sizeof address);
            } else {
                require(::bind(socket, there, sizeof address) == 0 && ::listen(socket, 0) == 0,
                        "a port of the second address is free");
            }
        }
    }
    ~DeadPort() {
        for (const int socket : sockets_) ::close(socket);
    }
    DeadPort(const DeadPort&) = delete;
    DeadPort& operator=(const DeadPort&) = delete;

private:
    std::array<int, 4> sockets_{};  // who listens, and who fill its queue
};

/// Where a connection to the first of these addresses that takes it has ended up, or the error.
std::string connected_to(std::vector<std::string> addresses, std::uint16_t port,
                         std::chrono::milliseconds time) {
    runtime::Loop loop("channel test");
    http::Watchdog watchdog(loop);
    std::error_code failed;
    const auto channel =
        runtime::result_of(loop, connect_to_one(loop, watchdog, std::move(addresses), port,
                                                std::chrono::steady_clock::now() + time, failed));
    return channel ? channel->peer() : failed.message();
}

TEST(RedisClientOptions, LeaveTimeToTheAddressesBehindOneThatIsDead) {
    const std::uint16_t port = shared_server().port();
    const DeadPort nobody(port);
    EXPECT_EQ(connected_to({dead, "127.0.0.1"}, port, std::chrono::seconds(6)), "127.0.0.1");
    EXPECT_EQ(connected_to({dead, "127.0.0.3"}, port, std::chrono::seconds(2)),
              std::make_error_code(std::errc::connection_refused).message());
    EXPECT_EQ(connected_to({dead, dead}, port, std::chrono::milliseconds(100)),
              std::make_error_code(std::errc::timed_out).message());
    EXPECT_EQ(connected_to({}, port, std::chrono::seconds(1)),
              std::make_error_code(std::errc::host_unreachable).message());
}

}  // namespace
}  // namespace florin::redis
