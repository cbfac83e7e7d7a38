#include "platform/http/client.h"

#include <gtest/gtest.h>

#include "platform/http/testing.h"
#include "platform/runtime/result_of.h"

namespace florin::http {
namespace {

using testing::RawServer;
using testing::RawSocket;
using testing::TestServer;
using Kind = ClientError::Kind;
using Result = std::expected<ClientResponse, ClientError>;

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

ClientRequest post_to(std::uint16_t port, std::string target = "/") {
    ClientRequest request;
    request.url = {.tls = false, .host = "127.0.0.1", .port = port, .target = std::move(target)};
    request.body = "{}";
    request.deadline = std::chrono::milliseconds(10'000);
    return request;
}

/// A client and its loop, driven by the test.
struct ClientUnderTest {
    explicit ClientUnderTest(ClientOptions options = {}) : client(loop, std::move(options)) {}

    Result send(ClientRequest request) {
        return runtime::result_of(loop, client.send(std::move(request)));
    }

    runtime::Loop loop{"client test"};
    Client client;
};

TEST(Client, KeepsItsConnectionForTheNextRequest) {
    TestServer server;
    ClientUnderTest under_test;
    for (int i = 0; i < 3; ++i) {
        auto request = post_to(server.port(), "/echo");
        request.body = "hello " + std::to_string(i);
        const auto answer = under_test.send(std::move(request));
        ASSERT_TRUE(answer) << answer.error().text;
        EXPECT_EQ(answer->body, "hello " + std::to_string(i));
    }
    EXPECT_EQ(under_test.client.connections("http://127.0.0.1:" + std::to_string(server.port())),
              1U);
}

struct BadServer {
    const char* name;
    RawServer::Script script;
    Kind kind;
    const char* text;
};

TEST(Client, SaysPreciselyHowAServerFailed) {
    const auto answer_with = [](std::string text) {
        return [text = std::move(text)](RawSocket socket, int) {
            socket.read_message();
            socket.send(text);
        };
    };
    const auto hang = [](RawSocket socket, int) { socket.read_to_end(); };
    const auto drip = [](RawSocket socket, int) {
        socket.read_message();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        socket.send("x");
        socket.read_to_end();
    };
    const auto reset = [](RawSocket socket, int) {
        socket.read_message();
        socket.reset();
    };
    const auto endless_head = [](RawSocket socket, int) {
        socket.read_message();
        socket.send("HTTP/1.1 200 OK\r\n");
        while (socket.send("X-Filler: " + std::string(1'000, 'x') + "\r\n")) continue;
    };
    const auto interim = [](RawSocket socket, int) {
        socket.read_message();
        while (socket.send("HTTP/1.1 103 Early Hints\r\n\r\n")) continue;
    };
    const std::vector<BadServer> cases = {
        {"hangs", hang, Kind::Timeout, "did not answer in time"},
        {"drips", drip, Kind::Timeout, "did not finish its answer in time"},
        {"resets", reset, Kind::Protocol, "broke the connection: Connection reset by peer"},
        {"closes", answer_with(""), Kind::Protocol, "closed the connection without an answer"},
        {"breaks off", answer_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), Kind::Protocol,
         "in the middle of its answer"},
        {"speaks otherwise", answer_with("220 smtp ready\r\n\r\n"), Kind::Protocol,
         "not valid HTTP"},
        {"never ends its head", endless_head, Kind::Protocol, "16384 bytes"},
        {"never comes to the point", interim, Kind::Protocol, "interim answers only"},
        {"redirects nowhere", answer_with("HTTP/1.1 302 Found\r\nLocation: ftp://x\r\n\r\n"),
         Kind::Protocol, "Location"},
    };
    for (const auto& [name, script, kind, text] : cases) {
        SCOPED_TRACE(name);
        RawServer server(script);
        ClientUnderTest under_test;
        auto request = post_to(server.port());
        request.deadline = std::chrono::milliseconds(kind == Kind::Timeout ? 100 : 10'000);
        const auto answer = under_test.send(std::move(request));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, kind) << answer.error().text;
        EXPECT_NE(answer.error().text.find(text), std::string::npos) << answer.error().text;
        EXPECT_FALSE(answer.error().unsent);
        EXPECT_EQ(under_test.client.connections(post_to(server.port()).url.origin()), 0U);
    }
}

TEST(Client, SaysWhatNeverLeft) {
    ClientUnderTest under_test;
    std::uint16_t closed_port = 0;
    {
        RawServer server([](RawSocket, int) {});
        closed_port = server.port();
    }
    auto answer = under_test.send(post_to(closed_port));
    EXPECT_EQ(answer.error().kind, Kind::Connect);
    EXPECT_TRUE(answer.error().unsent);

    auto unknown = post_to(80);
    unknown.url.host = "no-such-host.invalid";
    answer = under_test.send(std::move(unknown));
    EXPECT_TRUE(answer.error().kind == Kind::Resolve || answer.error().kind == Kind::Timeout);
    EXPECT_TRUE(answer.error().unsent);

    auto split = post_to(closed_port);
    split.headers.add("X-Id", "1\r\nHost: other");
    answer = under_test.send(std::move(split));
    EXPECT_EQ(answer.error().kind, Kind::Protocol);
    EXPECT_TRUE(answer.error().unsent);
}

TEST(Client, ReplacesAConnectionThatTheServerHasClosed) {
    std::atomic<int> closed_after_reading{0};
    RawServer server([&](RawSocket socket, int number) {
        socket.read_message();
        socket.send(ok);
        if (number == 0) {
            socket.read_message();  // the second request dies with its connection
            ++closed_after_reading;
        } else {
            socket.read_to_end();
        }
    });
    {
        ClientUnderTest under_test;
        EXPECT_EQ(under_test.send(post_to(server.port()))->status, 200U);
        const auto second = under_test.send(post_to(server.port()));
        ASSERT_TRUE(second) << second.error().text;
        EXPECT_EQ(second->body, "ok");
    }
    EXPECT_EQ(closed_after_reading, 1);
}

TEST(Client, DoesNotSendAgainToAServerThatClosesEveryTime) {
    std::atomic<int> served{0};
    RawServer server([&](RawSocket socket, int) {
        socket.read_message();
        ++served;
    });
    ClientUnderTest under_test;
    EXPECT_EQ(under_test.send(post_to(server.port())).error().kind, Kind::Protocol);
    EXPECT_EQ(served, 1);
}

TEST(Client, CutsALongBody) {
    RawServer server([](RawSocket socket, int) {
        socket.read_message();
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n");
        while (socket.send(std::string(1'000, 'x'))) continue;
    });
    ClientOptions options;
    options.response_body_bytes_max = 10'000;
    ClientUnderTest under_test(options);
    const auto answer = under_test.send(post_to(server.port()));
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body.size(), 10'000U);
}

TEST(Client, ReadsChunksAndBodiesThatEndWithTheConnection) {
    RawServer server([](RawSocket socket, int number) {
        socket.read_message();
        if (number == 0) {
            socket.send(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                "chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        } else {
            socket.send("HTTP/1.0 200 OK\r\n\r\nto the end");
        }
    });
    ClientUnderTest under_test;
    EXPECT_EQ(under_test.send(post_to(server.port()))->body, "abc");
    EXPECT_EQ(under_test.send(post_to(server.port()))->body, "to the end");
}

std::string redirect(int status, const std::string& location) {
    return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + location +
           "\r\nContent-Length: 0\r\n\r\n";
}

TEST(Client, FollowsRedirectsAsTheirStatusSays) {
    for (const auto& [status, method] :
         {std::pair{301, "GET"}, {302, "GET"}, {303, "GET"}, {307, "POST"}, {308, "POST"}}) {
        SCOPED_TRACE(status);
        std::string seen;
        RawServer server([&, code = status](RawSocket socket, int) {
            socket.read_message();
            socket.send(redirect(code, "next?q=1"));
            seen = socket.read_message();
            socket.send(ok);
        });
        {
            ClientUnderTest under_test;
            const auto answer = under_test.send(post_to(server.port(), "/a/first"));
            ASSERT_TRUE(answer) << answer.error().text;
            EXPECT_EQ(answer->status, 200U);
        }
        EXPECT_TRUE(seen.starts_with(std::string(method) + " /a/next?q=1 HTTP/1.1\r\n")) << seen;
        EXPECT_EQ(seen.ends_with("{}"), std::string_view(method) == "POST") << seen;
    }
}

TEST(Client, GivesUpOnRedirectsInCircles) {
    RawServer server([](RawSocket socket, int) {
        while (!socket.read_message().empty() && socket.send(redirect(307, "/again"))) continue;
    });
    ClientUnderTest under_test;
    const auto answer = under_test.send(post_to(server.port()));
    EXPECT_EQ(answer.error().kind, Kind::Redirects);
    EXPECT_NE(answer.error().text.find("more than 10 times"), std::string::npos);
}

TEST(Client, AsksTheEgressPolicyAtEveryHop) {
    std::atomic<int> reached{0};
    RawServer inner([&](RawSocket, int) { ++reached; });
    RawServer outer([&](RawSocket socket, int) {
        socket.read_message();
        socket.send(redirect(307, "http://127.0.0.2:" + std::to_string(inner.port()) + "/"));
    });
    ClientOptions options;
    options.egress.public_only = true;
    {
        ClientUnderTest strict(options);
        const auto answer = strict.send(post_to(outer.port()));
        EXPECT_EQ(answer.error().kind, Kind::Refused);
        EXPECT_TRUE(answer.error().unsent);
        auto by_name = post_to(outer.port());
        by_name.url.host = "localhost";
        EXPECT_EQ(strict.send(std::move(by_name)).error().kind, Kind::Refused);
    }
    options.egress.allowed = {"127.0.0.1/32"};
    ClientUnderTest with_exception(options);
    const auto answer = with_exception.send(post_to(outer.port()));
    EXPECT_EQ(answer.error().kind, Kind::Refused) << answer.error().text;
    EXPECT_FALSE(answer.error().unsent);
    EXPECT_EQ(reached, 0);
}

awaitable<void> send_counted(Client& client, ClientRequest request, std::vector<int>& order,
                             int number, runtime::Loop& loop, std::size_t all) {
    const auto answer = co_await client.send(std::move(request));
    order.push_back(answer ? number : -number);
    if (order.size() == all) loop.stop();
}

TEST(Client, ServesCallersOfAFullOriginInTheirOrder) {
    TestServer server;
    ClientOptions options;
    options.connections_per_origin_max = 1;
    ClientUnderTest under_test(options);
    std::vector<int> order;
    for (int i = 1; i <= 20; ++i) {
        runtime::spawn(under_test.loop, "send",
                       send_counted(under_test.client, post_to(server.port(), "/echo"), order, i,
                                    under_test.loop, 20));
    }
    under_test.loop.run();
    std::vector<int> expected;
    for (int i = 1; i <= 20; ++i) expected.push_back(i);
    EXPECT_EQ(order, expected);
    EXPECT_EQ(under_test.client.connections(post_to(server.port()).url.origin()), 1U);
}

TEST(Client, WaitingForAConnectionEndsAtTheDeadline) {
    RawServer server([](RawSocket socket, int) { socket.read_to_end(); });
    ClientOptions options;
    options.connections_per_origin_max = 1;
    ClientUnderTest under_test(options);
    std::vector<int> order;
    auto hanging = post_to(server.port());
    hanging.deadline = std::chrono::milliseconds(3'000);
    auto waiting = post_to(server.port());
    waiting.deadline = std::chrono::milliseconds(50);
    runtime::spawn(under_test.loop, "send",
                   send_counted(under_test.client, hanging, order, 1, under_test.loop, 2));
    runtime::spawn(under_test.loop, "send",
                   send_counted(under_test.client, waiting, order, 2, under_test.loop, 2));
    under_test.loop.run();
    EXPECT_EQ(order, (std::vector<int>{-2, -1}));
}

}  // namespace
}  // namespace florin::http
