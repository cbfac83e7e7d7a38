// Clients that mean no good, or know no better, byte by byte.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/grpc/server.h"
#include "platform/grpc/test_server.h"

namespace florin::grpc {
namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum FrameType : std::uint8_t {
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    Window = 8,
    More = 9
};
constexpr std::uint8_t end_stream = 1;
constexpr std::uint8_t end_headers = 4;

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    std::string bytes;
    for (const std::size_t shift : {16U, 8U, 0U})
        bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(payload.size() >> shift)));
    bytes.push_back(static_cast<char>(type));
    bytes.push_back(static_cast<char>(flags));
    for (const std::size_t shift : {24U, 16U, 8U, 0U})
        bytes.push_back(static_cast<char>(static_cast<std::uint8_t>(stream >> shift)));
    bytes.append(payload);
    return bytes;
}

// HPACK: a literal without indexing and without Huffman coding; up to 126 bytes each.
std::string field(std::string_view name, std::string_view value) {
    std::string bytes(1, '\0');
    bytes.push_back(static_cast<char>(name.size()));
    bytes.append(name);
    bytes.push_back(static_cast<char>(value.size()));
    bytes.append(value);
    return bytes;
}

std::string request_fields(std::string_view method, std::string_view content_type) {
    return field(":method", method) + field(":scheme", "http") + field(":path", "/test.Echo/Wait") +
           field(":authority", "test") + field("content-type", content_type) +
           field("te", "trailers");
}

std::string hello() {
    return std::string(preface) + frame(Settings, 0, 0, "");
}

class RawClient {
public:
    explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ =
            ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    }
    ~RawClient() { ::close(socket_); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    // The server may have hung up already: what counts is what it does, not what we could send.
    void send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// Reads until the server closes; false when it has not within a minute.
    [[nodiscard]] bool closed() {
        return read_until([] { return false; });
    }
    [[nodiscard]] bool receives(std::string_view bytes) {
        read_until([&] { return received_.find(bytes) != std::string::npos; });
        return received_.find(bytes) != std::string::npos;
    }
    [[nodiscard]] bool connected() const { return connected_; }

private:
    template <class Done>
    bool read_until(Done done) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        char buffer[4096];
        while (!done() && std::chrono::steady_clock::now() < until) {
            pollfd ready{socket_, POLLIN, 0};
            if (::poll(&ready, 1, 100) <= 0) continue;
            const auto size = ::recv(socket_, buffer, sizeof(buffer), 0);
            if (size <= 0) return true;
            received_.append(buffer, static_cast<std::size_t>(size));
        }
        return false;
    }

    int socket_;
    bool connected_ = false;
    std::string received_;
};

struct Attack {
    const char* name;
    const char* reason;
    std::string bytes;
};

std::string repeat(int times, const std::string& bytes) {
    std::string all;
    for (int i = 0; i < times; ++i) all += bytes;
    return all;
}

std::string rapid_reset() {
    const std::string cancel("\0\0\0\x8", 4);
    std::string bytes = hello();
    for (std::uint32_t stream = 1; stream < 2 * 300; stream += 2) {
        bytes += frame(Headers, end_headers, stream, request_fields("POST", "application/grpc"));
        bytes += frame(Reset, 0, stream, cancel);
    }
    return bytes;
}

// Each stream overflows its window, so that the server has to reset it.
std::string made_to_reset() {
    std::string bytes = hello();
    for (std::uint32_t stream = 1; stream < 2 * 300; stream += 2) {
        bytes += frame(Headers, end_headers, stream, request_fields("POST", "application/grpc"));
        bytes += frame(Window, 0, stream, "\x7f\xff\xff\xff");
    }
    return bytes;
}

std::string header_flood() {
    std::string bytes = hello() + frame(Headers, 0, 1, request_fields("POST", "application/grpc"));
    const std::string fields = repeat(120, field("x-flood", std::string(120, 'x')));
    return bytes + repeat(7, frame(More, 0, 1, fields));
}

std::string continuation_flood() {
    return hello() + frame(Headers, 0, 1, request_fields("POST", "application/grpc")) +
           repeat(1'000, frame(More, 0, 1, ""));
}

class Abuse : public testing::TestWithParam<Attack> {};

TEST_P(Abuse, EndsTheConnectionAndNothingElse) {
    TestServer server;
    RawClient attacker(server.port());
    attacker.send(GetParam().bytes);
    EXPECT_TRUE(attacker.closed());
    EXPECT_TRUE(server.ended(GetParam().reason));
    RawClient other(server.port());
    other.send(hello() + frame(Ping, 0, 0, "12345678"));
    EXPECT_TRUE(other.receives("12345678")) << "others are served as before";
}

INSTANTIATE_TEST_SUITE_P(
    OfHttp2, Abuse,
    testing::Values(Attack{"RapidReset", "rapid_reset", rapid_reset()},
                    Attack{"MadeToReset", "rapid_reset", made_to_reset()},
                    Attack{"HeaderFlood", "header_flood", header_flood()},
                    Attack{"ContinuationFlood", "protocol_error", continuation_flood()},
                    Attack{"PingFlood", "control_flood",
                           hello() + repeat(3'000, frame(Ping, 0, 0, "12345678"))},
                    Attack{"SettingsFlood", "control_flood",
                           hello() + repeat(3'000, frame(Settings, 0, 0, ""))},
                    Attack{"OtherProtocol", "protocol_error",
                           "GET / HTTP/1.1\r\nHost: somewhere.example\r\n\r\n"},
                    Attack{"BrokenFrame", "protocol_error", hello() + frame(Ping, 0, 0, "short")}),
    [](const auto& tested) { return tested.param.name; });

struct Slowness {
    const char* name;
    const char* reason;
    std::string bytes;
};

class SlowClient : public testing::TestWithParam<Slowness> {};

TEST_P(SlowClient, IsNotWaitedForLongerThanAllowed) {
    TestServer server({.progress_timeout = std::chrono::seconds(1),
                       .keepalive_interval = std::chrono::seconds(1),
                       .keepalive_timeout = std::chrono::seconds(1)});
    RawClient client(server.port());
    client.send(GetParam().bytes);
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(server.ended(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(OfHttp2, SlowClient,
                         testing::Values(Slowness{"InItsPreface", "slow_preface", "PRI * HTTP/2.0"},
                                         Slowness{"InItsHeaders", "slow_headers",
                                                  hello() + frame(Headers, 0, 1,
                                                                  field(":method", "POST"))},
                                         Slowness{"ToAnswerPings", "keepalive", hello()}),
                         [](const auto& tested) { return tested.param.name; });

TEST(Connections, IdleOnesAreClosed) {
    TestServer server({.idle_timeout = std::chrono::seconds(1)});
    RawClient client(server.port());
    client.send(hello());
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(server.ended("idle"));
}

TEST(Connections, AreLimitedOverAllServersOfTheProcess) {
    TestServer one({.connections_max = 1});
    TestServer two({.connections_max = 1});
    RawClient first(one.port());
    first.send(hello() + frame(Ping, 0, 0, "12345678"));
    ASSERT_TRUE(first.receives("12345678"));
    RawClient second(two.port());
    ASSERT_TRUE(second.connected());
    EXPECT_TRUE(second.closed());
    EXPECT_TRUE(two.ended("too_many"));
}

TEST(Requests, ThatAreNotGrpcGetAnHttpStatus) {
    TestServer server;
    RawClient client(server.port());
    client.send(hello() +
                frame(Headers, end_headers | end_stream, 1, request_fields("POST", "text/plain")));
    EXPECT_TRUE(client.receives("415"));
    client.send(
        frame(Headers, end_headers | end_stream, 3, request_fields("GET", "application/grpc")));
    EXPECT_TRUE(client.receives("405"));
}

}  // namespace
}  // namespace florin::grpc
