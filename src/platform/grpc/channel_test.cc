#include "platform/grpc/channel.h"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "platform/grpc/test_server.h"
#include "platform/http/self_signed.h"
#include "platform/http/testing.h"
#include "platform/http/tls.h"
#include "platform/runtime/loop.h"
#include "proto/grpc/health/v1/health.pb.h"

namespace florin::grpc {
namespace {

using Answer = Reply<std::string>;
using std::chrono::milliseconds;

/// A channel on a loop and thread of its own.
class Client {
public:
    explicit Client(ChannelOptions options)
        : loop_("client"), channel_(std::in_place, loop_, options) {
        thread_ = std::thread([this] { loop_.run(); });
    }
    explicit Client(std::uint16_t port) : Client(ChannelOptions{.port = port}) {}
    ~Client() {
        close();
        // Behind the calls that the channel's end has resumed.
        loop_.post([this] { loop_.stop(); });
        thread_.join();
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    std::future<Answer> begin(std::string path, std::string request, CallOptions options = {}) {
        std::promise<Answer> promise;
        auto answer = promise.get_future();
        runtime::spawn(
            loop_, "call",
            call(std::move(path), std::move(request), std::move(options), std::move(promise)));
        return answer;
    }
    Answer unary(std::string path, std::string request, CallOptions options = {}) {
        return begin(std::move(path), std::move(request), std::move(options)).get();
    }
    /// Ends the channel and returns when it has ended.
    void close() {
        std::promise<void> closed;
        loop_.post([this, &closed] {
            channel_.reset();
            closed.set_value();
        });
        closed.get_future().get();
    }

private:
    awaitable<void> call(std::string path, std::string request, CallOptions options,
                         std::promise<Answer> promise) {
        promise.set_value(co_await channel_->unary(path, std::move(request), std::move(options)));
    }

    runtime::Loop loop_;
    std::optional<Channel> channel_;
    std::thread thread_;
};

Code code_of(const Answer& answer) {
    return answer ? Code::Ok : answer.error().code;
}

class GrpcChannel : public testing::Test {
protected:
    TestServer server_;
    Client client_{server_.port()};
};

TEST_F(GrpcChannel, GivesBackWhatTheServerAnswers) {
    for (const std::string& request :
         {std::string(), std::string("x"), std::string(4'000'000, 'y')}) {
        const auto answer = client_.unary("/test.Echo/Unary", request);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(*answer, request);
    }
}

TEST_F(GrpcChannel, CarriesMoreCallsAtOnceThanTheServerTakesStreams) {
    std::vector<std::future<Answer>> answers;
    for (int i = 0; i < 1'000; ++i)
        answers.push_back(client_.begin("/test.Echo/Unary", std::to_string(i)));
    for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].get(), std::to_string(i));
    EXPECT_EQ(server_.server().connections(), 1U);
}

TEST_F(GrpcChannel, TellsTheServersStatusAndMessage) {
    const std::string text = "결제 없음: 100%\n";
    const auto missing = client_.unary("/test.Echo/Fail", text);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
    EXPECT_EQ(missing.error().message, text);
    EXPECT_EQ(code_of(client_.unary("/test.Echo/Throw", "unavailable")), Code::Unavailable);
    EXPECT_EQ(code_of(client_.unary("/test.Echo/Throw", "other")), Code::Internal);
    EXPECT_EQ(code_of(client_.unary("/no.Service/Nothing", "")), Code::Unimplemented);
}

TEST_F(GrpcChannel, SendsMetadata) {
    const auto answer =
        client_.unary("/test.Echo/Metadata", "", {.metadata = {{"x-thing-bin", "aGVsbG8"}}});
    EXPECT_EQ(answer, "hello");
}

TEST_F(GrpcChannel, EndsEachCallAtItsOwnDeadlineAndTellsTheServer) {
    const int before = waits_cancelled();
    auto long_call = client_.begin("/test.Echo/Hold", "held", {.deadline = milliseconds(120'000)});
    ASSERT_TRUE(server_.started("Hold"));
    const auto short_call = client_.unary("/test.Echo/Wait", "", {.deadline = milliseconds(1'000)});
    EXPECT_EQ(code_of(short_call), Code::DeadlineExceeded);
    EXPECT_TRUE(eventually([&] { return waits_cancelled() == before + 1; }));
    server_.holding = false;
    EXPECT_EQ(long_call.get(), "held");
}

TEST_F(GrpcChannel, CancelsItsCallsWhenItEnds) {
    const int before = waits_cancelled();
    auto call = client_.begin("/test.Echo/Wait", "");
    ASSERT_TRUE(server_.started("Wait"));
    client_.close();
    EXPECT_EQ(code_of(call.get()), Code::Unavailable);
    EXPECT_TRUE(eventually([&] { return waits_cancelled() == before + 1; }));
}

TEST_F(GrpcChannel, FinishesItsCallsOnAConnectionThatGoesAway) {
    auto call = client_.begin("/test.Echo/Hold", "held");
    ASSERT_TRUE(server_.started("Hold"));
    server_.drain();
    // The old server has stopped accepting: refused, not reset, and the held call goes on.
    EXPECT_TRUE(eventually(
        [&] { return code_of(client_.unary("/test.Echo/Unary", "x")) == Code::Unavailable; }));
    server_.holding = false;
    EXPECT_EQ(call.get(), "held");
    EXPECT_TRUE(eventually([&] { return server_.drained(); }));
}

TEST(GrpcChannelLife, MovesToANewConnectionWhenTheServerGoesAway) {
    TestServer leaving;
    Client client(leaving.port());
    auto held = client.begin("/test.Echo/Hold", "held");
    ASSERT_TRUE(leaving.started("Hold"));
    TestServer taking_over(ServerOptions{.address = "127.0.0.1", .port = leaving.port()});
    leaving.drain();
    EXPECT_TRUE(eventually([&] {
        const auto answer = client.unary("/test.Echo/Unary", "x");
        EXPECT_EQ(answer, "x") << "no call fails while one server takes over from the other";
        return taking_over.server().connections() == 1;
    }));
    leaving.holding = false;
    EXPECT_EQ(held.get(), "held");
}

TEST(GrpcChannelLife, EndsCallsWhoseConnectionBreaksAndConnectsAgain) {
    auto server = std::make_unique<TestServer>();
    const std::uint16_t port = server->port();
    Client client(port);
    auto call = client.begin("/test.Echo/Wait", "");
    ASSERT_TRUE(server->started("Wait"));
    server.reset();
    const auto lost = call.get();
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Code::Unavailable);
    EXPECT_NE(lost.error().message.find("closed the connection"), std::string::npos)
        << lost.error().message;
    const auto nobody = client.unary("/test.Echo/Unary", "x");
    EXPECT_EQ(code_of(nobody), Code::Unavailable);
    EXPECT_NE(nobody.error().message.find("cannot connect to 127.0.0.1:" + std::to_string(port)),
              std::string::npos)
        << nobody.error().message;
    TestServer again(ServerOptions{.address = "127.0.0.1", .port = port});
    EXPECT_EQ(client.unary("/test.Echo/Unary", "back"), "back");
}

TEST(GrpcChannelLife, GivesUpOnAServerThatAcceptsAndSaysNothing) {
    http::testing::RawServer silent(
        [](http::testing::RawSocket socket, int) { socket.read_to_end(); });
    Client client(silent.port());
    EXPECT_EQ(code_of(client.unary("/test.Echo/Unary", "x", {.deadline = milliseconds(50)})),
              Code::DeadlineExceeded);
}

TEST(GrpcChannelLife, TakesAnswersUpToItsLimit) {
    TestServer server;
    Client client(ChannelOptions{.port = server.port(), .message_bytes_max = 1'000});
    EXPECT_EQ(client.unary("/test.Echo/Unary", std::string(1'000, 'x')), std::string(1'000, 'x'));
    const auto answer = client.unary("/test.Echo/Unary", std::string(1'001, 'x'));
    EXPECT_EQ(code_of(answer), Code::ResourceExhausted);
    EXPECT_EQ(client.unary("/test.Echo/Unary", "still here"), "still here");
    EXPECT_EQ(code_of(client.unary("/test.Echo/Unary", std::string(4 * 1024 * 1024 + 1, 'x'))),
              Code::ResourceExhausted)
        << "the server's own limit";
}

TEST(GrpcChannelLife, RefusesCallsPastItsLimit) {
    TestServer server;
    Client client(ChannelOptions{.port = server.port(), .calls_max = 1});
    auto held = client.begin("/test.Echo/Hold", "held");
    ASSERT_TRUE(server.started("Hold"));
    EXPECT_EQ(code_of(client.unary("/test.Echo/Unary", "x")), Code::ResourceExhausted);
    server.holding = false;
    EXPECT_EQ(held.get(), "held");
}

TEST(GrpcChannelLife, SaysThatAServerDoesNotSpeakHttp2) {
    http::testing::RawServer plain([](http::testing::RawSocket socket, int) {
        socket.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        socket.read_to_end();
    });
    const auto answer = Client(plain.port()).unary("/test.Echo/Unary", "x");
    EXPECT_EQ(code_of(answer), Code::Unavailable);
    EXPECT_NE(answer.error().message.find("not HTTP/2"), std::string::npos)
        << answer.error().message;
}

class GrpcChannelTls : public testing::Test {
protected:
    http::testing::SelfSigned files_;
    http::TlsContext tls_ = http::server_tls(files_.certificate_file(), files_.key_file(), "h2");
    TestServer server_{ServerOptions{.address = "127.0.0.1", .tls = tls_.get()}};

    [[nodiscard]] ChannelOptions options(std::string host, std::string ca_file) const {
        return {.host = std::move(host),
                .port = server_.port(),
                .tls = ChannelTls{.ca_file = std::move(ca_file)}};
    }
};

TEST_F(GrpcChannelTls, CarriesCallsToATrustedServer) {
    Client client(options("localhost", files_.certificate_file()));
    for (const std::string& request : {std::string("hello"), std::string(2'000'000, 'x')}) {
        const auto answer = client.unary("/test.Echo/Unary", request);
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(*answer, request);
    }
}

TEST_F(GrpcChannelTls, RefusesACertificateNobodyVouchesFor) {
    const auto answer = Client(options("localhost", "")).unary("/test.Echo/Unary", "x");
    EXPECT_EQ(code_of(answer), Code::Unavailable);
    EXPECT_NE(answer.error().message.find("self-signed certificate"), std::string::npos)
        << answer.error().message;
}

TEST_F(GrpcChannelTls, RefusesACertificateForAnotherHost) {
    const auto answer =
        Client(options("127.0.0.1", files_.certificate_file())).unary("/test.Echo/Unary", "x");
    EXPECT_EQ(code_of(answer), Code::Unavailable);
    EXPECT_NE(answer.error().message.find("no TLS with 127.0.0.1"), std::string::npos)
        << answer.error().message;
}

TEST_F(GrpcChannelTls, TellsAPlainClientThatTheConnectionEnded) {
    EXPECT_EQ(code_of(Client(server_.port()).unary("/test.Echo/Unary", "x")), Code::Unavailable);
}

TEST_F(GrpcChannelTls, NamesTheFileItCannotTrust) {
    runtime::Loop loop("client");
    try {
        const Channel channel(loop, options("localhost", "/nowhere/roots.pem"));
        FAIL() << "a missing file was taken";
    } catch (const std::runtime_error& refused) {
        EXPECT_NE(std::string(refused.what()).find("/nowhere/roots.pem"), std::string::npos);
    }
}

TEST(GrpcChannelTlsLife, GivesUpOnAHandshakeThatNeverEnds) {
    http::testing::RawServer silent(
        [](http::testing::RawSocket socket, int) { socket.read_to_end(); });
    Client client(ChannelOptions{
        .port = silent.port(), .tls = ChannelTls{}, .connect_timeout = milliseconds(50)});
    const auto answer = client.unary("/test.Echo/Unary", "x");
    EXPECT_EQ(code_of(answer), Code::Unavailable);
    EXPECT_NE(answer.error().message.find("within 50 ms"), std::string::npos)
        << answer.error().message;
}

}  // namespace
}  // namespace florin::grpc
