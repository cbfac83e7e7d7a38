#include "platform/http/tls.h"

#include <optional>

#include <gtest/gtest.h>

#include "platform/http/client.h"
#include "platform/http/self_signed.h"
#include "platform/http/testing.h"
#include "platform/runtime/result_of.h"

namespace florin::http {
namespace {

using Result = std::expected<ClientResponse, ClientError>;

Result send(Client& client, runtime::Loop& loop, const std::string& host, std::uint16_t port,
            std::string body) {
    ClientRequest request;
    request.url = {.tls = true, .host = host, .port = port, .target = "/echo"};
    request.body = std::move(body);
    return runtime::result_of(loop, client.send(std::move(request)));
}

class Tls : public ::testing::Test {
protected:
    static ServerOptions with(const TlsContext& tls) {
        ServerOptions options;
        options.tls = tls.get();
        return options;
    }

    testing::SelfSigned files;
    TlsContext context = server_tls(files.certificate_file(), files.key_file(), "http/1.1");
    testing::TestServer server{with(context)};
    runtime::Loop loop{"tls test"};
};

TEST_F(Tls, CarriesRequestsToATrustedServer) {
    ClientOptions options;
    options.ca_file = files.certificate_file();
    Client client(loop, options);
    for (const std::string& body : {std::string("hello"), std::string(200'000, 'x')}) {
        const auto answer = send(client, loop, "localhost", server.port(), body);
        ASSERT_TRUE(answer) << answer.error().text;
        EXPECT_EQ(answer->body, body.substr(0, options.response_body_bytes_max));
    }
}

TEST_F(Tls, RefusesACertificateForAnotherHost) {
    ClientOptions options;
    options.ca_file = files.certificate_file();
    Client client(loop, options);
    const auto answer = send(client, loop, "127.0.0.1", server.port(), "{}");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ClientError::Kind::Tls) << answer.error().text;
    EXPECT_TRUE(answer.error().unsent);
}

TEST_F(Tls, RefusesACertificateNobodyVouchesFor) {
    Client client(loop, {});
    const auto answer = send(client, loop, "localhost", server.port(), "{}");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ClientError::Kind::Tls) << answer.error().text;
    EXPECT_NE(answer.error().text.find("certificate verify failed"), std::string::npos)
        << answer.error().text;
}

TEST_F(Tls, AServerThatSpeaksPlainTextIsATlsError) {
    testing::RawServer plain([](testing::RawSocket socket, int) {
        socket.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        socket.read_until("\n");
    });
    Client client(loop, {});
    const auto answer = send(client, loop, "localhost", plain.port(), "{}");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ClientError::Kind::Tls) << answer.error().text;
}

TEST_F(Tls, NamesTheFileThatCannotBeUsed) {
    try {
        server_tls(files.certificate_file(), "/nowhere/key.pem", "h2");
        FAIL() << "a missing key was taken";
    } catch (const std::runtime_error& refused) {
        EXPECT_NE(std::string(refused.what()).find("/nowhere/key.pem"), std::string::npos);
    }
    ClientOptions options;
    options.ca_file = "/nowhere/roots.pem";
    EXPECT_THROW(Client(loop, options), std::runtime_error);
}

}  // namespace
}  // namespace florin::http
