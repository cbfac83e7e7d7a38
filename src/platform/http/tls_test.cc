#include "platform/http/tls.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "platform/http/client.h"
#include "platform/http/testing.h"

namespace florin::http {
namespace {

using Result = std::expected<ClientResponse, ClientError>;

template <auto release>
struct Releaser {
    template <class Object>
    void operator()(Object* object) const {
        release(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Releaser<X509_free>>;
using File = std::unique_ptr<std::FILE, Releaser<std::fclose>>;

void add_extension(X509* certificate, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/// A key and a certificate for "localhost" that vouches for itself, in a folder of their own.
class SelfSigned {
public:
    SelfSigned() {
        std::filesystem::create_directories(folder_);
        const Key key(EVP_EC_gen("P-256"));
        const Certificate certificate(X509_new());
        X509_set_version(certificate.get(), X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3'600);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3'600);
        X509_set_pubkey(certificate.get(), key.get());
        X509_NAME* const name = X509_get_subject_name(certificate.get());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("florin test"), -1, -1,
                                   0);
        X509_set_issuer_name(certificate.get(), name);
        add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
        add_extension(certificate.get(), NID_subject_alt_name, "DNS:localhost");
        X509_sign(certificate.get(), key.get(), EVP_sha256());
        PEM_write_X509(File(std::fopen(certificate_file().c_str(), "w")).get(), certificate.get());
        PEM_write_PrivateKey(File(std::fopen(key_file().c_str(), "w")).get(), key.get(), nullptr,
                             nullptr, 0, nullptr, nullptr);
    }
    ~SelfSigned() { std::filesystem::remove_all(folder_); }
    SelfSigned(const SelfSigned&) = delete;
    SelfSigned& operator=(const SelfSigned&) = delete;

    [[nodiscard]] std::string certificate_file() const { return folder_ + "/certificate.pem"; }
    [[nodiscard]] std::string key_file() const { return folder_ + "/key.pem"; }

private:
    const std::string folder_ = ::testing::TempDir() + "florin-tls-" + std::to_string(::getpid());
};

awaitable<void> send_into(Client& client, ClientRequest request, std::optional<Result>& result) {
    result = co_await client.send(std::move(request));
}

Result send(Client& client, runtime::Loop& loop, const std::string& host, std::uint16_t port,
            std::string body) {
    ClientRequest request;
    request.url = {.tls = true, .host = host, .port = port, .target = "/echo"};
    request.body = std::move(body);
    std::optional<Result> result;
    runtime::run_until_done(loop, send_into(client, std::move(request), result));
    return std::move(*result);
}

class Tls : public ::testing::Test {
protected:
    static ServerOptions with(const TlsContext& tls) {
        ServerOptions options;
        options.tls = tls.get();
        return options;
    }

    SelfSigned files;
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
