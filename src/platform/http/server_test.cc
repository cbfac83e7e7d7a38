#include "platform/http/server.h"

#include <gtest/gtest.h>

#include "platform/http/testing.h"

namespace florin::http {
namespace {

using testing::RawSocket;
using testing::TestServer;

constexpr std::string_view get_small = "GET /small HTTP/1.1\r\nHost: x\r\n\r\n";

std::string answer_to(TestServer& server, std::string_view request) {
    RawSocket socket(server.port());
    socket.send(request);
    return socket.read_message();
}

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Hurries who has begun to send or to be answered; who has not may take its time.
ServerOptions quick(std::chrono::milliseconds timeout) {
    ServerOptions options;
    options.limits.header_timeout = timeout;
    options.limits.body_timeout = timeout;
    options.limits.idle_timeout = std::chrono::milliseconds(60'000);
    options.limits.write_timeout = timeout;
    return options;
}

TEST(Server, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
    TestServer server;
    RawSocket socket(server.port());
    std::string all(get_small);
    all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    all += "GET /items/7?q=%20x HTTP/1.1\r\nHost: x\r\n\r\n";
    socket.send(all);
    EXPECT_TRUE(holds(socket.read_message(), R"({"ok":true})"));
    EXPECT_TRUE(socket.read_message().ends_with("\r\n\r\nabc"));
    EXPECT_TRUE(socket.read_message().ends_with("7? x"));
}

TEST(Server, TakesARequestByteByByte) {
    TestServer server;
    RawSocket socket(server.port());
    for (const char c : std::string_view("\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                                         "chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: t\r\n\r\n"))
        ASSERT_TRUE(socket.send({&c, 1}));
    EXPECT_TRUE(socket.read_message().ends_with("\r\n\r\nabc"));
}

TEST(Server, AnswersWhatItCannotServeWithAProblem) {
    struct Case {
        const char* name;
        std::string request;
        const char* status;
        const char* text;
    };
    const std::string host = "Host: x\r\n\r\n";
    const std::string many_bytes(20'000, 'x');
    std::string many_fields = "GET /small HTTP/1.1\r\n";
    for (int i = 0; i < 200; ++i) many_fields += "X: y\r\n";
    for (const auto& [name, request, status, text] : {
             Case{"no HTTP", "hello there\r\n\r\n", "400", "malformed_request"},
             Case{"no host", "GET /small HTTP/1.1\r\n\r\n", "400", "exactly one Host"},
             Case{"two hosts", "GET /small HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", "Host"},
             Case{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", "version_not_supported"},
             Case{"smuggling", "POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" + host, "400",
                  "chunked"},
             Case{"two lengths",
                  "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" +
                      host,
                  "400", "malformed_request"},
             Case{"bad escape", "GET /%4 HTTP/1.1\r\n" + host, "400", "percent escape"},
             Case{"NUL", "GET /a%00 HTTP/1.1\r\n" + host, "400", "NUL"},
             Case{"dots", "GET /a/%2E%2E/small HTTP/1.1\r\n" + host, "400", "dot segments"},
             Case{"large body", "POST /echo HTTP/1.1\r\nContent-Length: 1048577\r\n" + host, "413",
                  "1048576 bytes"},
             Case{"large header", "GET /small HTTP/1.1\r\nX: " + many_bytes, "431", "16384 bytes"},
             Case{"large in sum",
                  "GET /small HTTP/1.1\r\nA: " + many_bytes.substr(0, 9'000) +
                      "\r\nB: " + many_bytes.substr(0, 9'000) + "\r\n" + host,
                  "431", "16384 bytes"},
             Case{"many fields", many_fields + host, "431", "100 fields"},
             Case{"unknown path", "GET /nothing HTTP/1.1\r\n" + host, "404", "nothing at /nothing"},
             Case{"method", "DELETE /small HTTP/1.1\r\n" + host, "405",
                  "Allow: GET, HEAD, OPTIONS"},
         }) {
        SCOPED_TRACE(name);
        TestServer server;
        const std::string answer = answer_to(server, request);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(status) + " ")) << answer;
        EXPECT_TRUE(holds(answer, text)) << answer;
        EXPECT_TRUE(holds(answer, "application/problem+json")) << answer;
    }
}

TEST(Server, TellsFaultsApartAndKeepsTheirDetailsToItself) {
    TestServer server;
    const auto ask = [&](const std::string& kind) {
        return answer_to(server, "GET /fault/" + kind + " HTTP/1.1\r\nHost: x\r\n\r\n");
    };
    EXPECT_TRUE(holds(ask("overloaded"), "503 Service Unavailable"));
    EXPECT_TRUE(holds(ask("overloaded"), "Retry-After: 1"));
    EXPECT_FALSE(holds(ask("unavailable"), "on fire"));
    const std::string other = ask("other");
    EXPECT_TRUE(holds(other, "500 Internal Server Error"));
    EXPECT_FALSE(holds(other, "secret"));
}

TEST(Server, AnswersHeadWithTheLengthAloneAndOptionsWithTheMethods) {
    TestServer server;
    RawSocket socket(server.port());
    socket.send("HEAD /small HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string head = socket.read_until("\r\n\r\n");
    EXPECT_TRUE(holds(head, "Content-Length: 11\r\n")) << head;
    socket.send("OPTIONS /echo HTTP/1.1\r\nHost: x\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string options = socket.read_until("\r\n\r\n");
    EXPECT_TRUE(options.starts_with("HTTP/1.1 204 No Content\r\n")) << options;
    EXPECT_TRUE(holds(options, "Allow: OPTIONS, POST\r\n")) << options;
    EXPECT_FALSE(holds(options, "Content-Length")) << options;
    EXPECT_TRUE(holds(socket.read_until("\r\n\r\n"), "Allow: GET, HEAD, OPTIONS, POST\r\n"));
}

TEST(Server, CompressesLargeTextForThoseWhoTakeIt) {
    TestServer server;
    const auto ask = [&](const std::string& path, const std::string& accepted) {
        return answer_to(server, "GET " + path + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: " +
                                     accepted + "\r\n\r\n");
    };
    const std::string compressed = ask("/large", "br, GZIP;q=0.5");
    EXPECT_TRUE(holds(compressed, "Content-Encoding: gzip\r\n")) << compressed;
    EXPECT_LT(compressed.size(), 1'000U);
    EXPECT_TRUE(holds(ask("/large", "br"), "Vary: Accept-Encoding\r\n"));
    EXPECT_FALSE(holds(ask("/large", "gzip;q=0"), "Content-Encoding"));
    EXPECT_FALSE(holds(ask("/small", "gzip"), "Content-Encoding"));
}

TEST(Server, InvitesTheBodyWhenTheClientAsks) {
    TestServer server;
    RawSocket socket(server.port());
    socket.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    socket.send("ok");
    EXPECT_TRUE(socket.read_message().ends_with("\r\n\r\nok"));
}

TEST(Server, CarriesTheTraceIdBack) {
    TestServer server;
    const auto answer =
        answer_to(server, "GET /small HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: order-42\r\n\r\n");
    EXPECT_TRUE(holds(answer, "X-Correlation-ID: order-42\r\n")) << answer;
    EXPECT_NE(answer_to(server, get_small), answer_to(server, get_small));
}

TEST(Server, AHandlerCannotBeMadeToSplitItsAnswer) {
    TestServer server;
    const auto answer =
        answer_to(server, "GET /header?value=a%0D%0ASet-Cookie:%20b HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_FALSE(holds(answer, "Set-Cookie")) << answer;
}

TEST(Server, SpeaksHttp10) {
    TestServer server;
    RawSocket socket(server.port());
    socket.send("GET /small HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(holds(socket.read_to_end(), "Connection: close\r\n"));
    RawSocket kept(server.port());
    kept.send("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(holds(kept.read_message(), "Connection: keep-alive\r\n"));
}

TEST(Server, TellsASlowWriterThatItsTimeIsOver) {
    TestServer server(quick(std::chrono::milliseconds(50)));
    RawSocket head(server.port());
    head.send("GET /small HT");
    EXPECT_TRUE(head.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    RawSocket body(server.port());
    body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_TRUE(body.read_to_end().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST(Server, ClosesAnIdleConnectionWithoutAWord) {
    ServerOptions options;
    options.limits.idle_timeout = std::chrono::milliseconds(2'000);
    TestServer server(options);
    RawSocket answered(server.port());
    answered.send(get_small);
    RawSocket silent(server.port());
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_TRUE(answered.read_to_end().ends_with(R"({"ok":true})"));
}

TEST(Server, GivesUpOnAClientThatReadsNothing) {
    TestServer server(quick(std::chrono::milliseconds(100)));
    RawSocket socket(server.port());
    std::string many;
    for (int i = 0; i < 1'000; ++i) many += "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    // Either the server stops reading while it cannot write, or it has closed already.
    socket.send(many);
    RawSocket other(server.port());
    other.send(get_small);
    EXPECT_TRUE(holds(other.read_message(), "200 OK"));
}

TEST(Server, RefusesConnectionsBeyondItsLimit) {
    ServerOptions options;
    options.limits.connections_max = 1;
    TestServer server(options);
    RawSocket first(server.port());
    first.send(get_small);
    first.read_message();
    RawSocket second(server.port());
    EXPECT_TRUE(second.read_to_end().starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    first.send(get_small);
    EXPECT_TRUE(holds(first.read_message(), "200 OK"));
    EXPECT_TRUE(
        holds(server.metrics(), "florin_http_refused_connections_total{server=\"http\"} 1"));
}

TEST(Server, CountsByRouteNotByPath) {
    TestServer server;
    answer_to(server, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    answer_to(server, "GET /items/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    answer_to(server, "BREW /coffee HTTP/1.1\r\nHost: x\r\n\r\n");
    server.drain(std::chrono::milliseconds(5'000));
    const std::string metrics = server.metrics();
    EXPECT_TRUE(
        holds(metrics, "route=\"/items/{id}\",method=\"GET\",status=\"200\"} 2") ||
        holds(metrics, "method=\"GET\",route=\"/items/{id}\",server=\"http\",status=\"200\"} 2"))
        << metrics;
    EXPECT_FALSE(holds(metrics, "BREW")) << metrics;
    EXPECT_FALSE(holds(metrics, "coffee")) << metrics;
}

TEST(Server, DrainsByFinishingWhatIsUnderWay) {
    TestServer server;
    RawSocket idle(server.port());
    idle.send(get_small);
    idle.read_message();
    RawSocket busy(server.port());
    busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_until_held();
    std::thread draining([&] { server.drain(std::chrono::milliseconds(10'000)); });
    EXPECT_EQ(idle.read_to_end(), "");
    server.release();
    const std::string answer = busy.read_to_end();
    EXPECT_TRUE(answer.ends_with("\"released\"")) << answer;
    EXPECT_TRUE(holds(answer, "Connection: close\r\n")) << answer;
    draining.join();
}

TEST(Server, DrainingEndsAtItsDeadline) {
    TestServer server;
    RawSocket busy(server.port());
    busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    server.wait_until_held();
    server.drain(std::chrono::milliseconds(20));
    server.release();
}

TEST(Server, SaysWhereItCannotListenAndWhy) {
    TestServer first;
    runtime::Loop loop("second");
    const Router router;
    telemetry::Metrics metrics;
    ServerOptions options;
    options.address = "127.0.0.1";
    options.port = first.port();
    options.share_port = false;
    options.name = "api";
    Server second(loop, router, options, metrics);
    try {
        second.listen();
        FAIL() << "two servers have one port";
    } catch (const std::runtime_error& refused) {
        EXPECT_EQ(refused.what(), "cannot listen on 127.0.0.1:" + std::to_string(first.port()) +
                                      " for api: Address already in use");
    }
}

}  // namespace
}  // namespace florin::http
