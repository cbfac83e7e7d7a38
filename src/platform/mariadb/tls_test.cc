// The way to a server over TCP: encrypted, checked, or refused.

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/base/require.h"
#include "platform/mariadb/test_world.h"

namespace florin::mariadb {
namespace {

using store::Sql;
using store::StoreFault;

std::uint16_t free_port() {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    require(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0,
            "there is a free port");
    ::close(descriptor);
    return ntohs(address.sin_port);
}

/// A certificate for `localhost`, its own authority.
std::string make_certificate(const store::TestFolder& folder) {
    const std::string base = folder.file().string();
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        " -keyout " +
        base + ".key -out " + base + ".crt 2>/dev/null";
    require(std::system(command.c_str()) == 0, "openssl makes a certificate");
    return base;
}

class MariadbTls : public testing::Test {
protected:
    [[nodiscard]] Address address(Tls tls, const std::string& ca = "") const {
        Address address;
        address.host = "localhost";
        address.port = port;
        address.user = "guest";
        address.password = "a secret";
        address.tls = tls;
        address.ca = ca;
        return address;
    }
    static std::string fault_of(const Address& address) {
        try {
            Connection(address, patient_timeouts(), Use::Read);
        } catch (const StoreFault& fault) {
            return fault.what();
        }
        return "";
    }

    /// Somebody else may take the port before the server does: then with another one.
    std::unique_ptr<TestServer> start() {
        for (int attempts_left = 10;; --attempts_left) {
            port = free_port();
            try {
                return std::make_unique<TestServer>(std::vector<std::string>{
                    "--skip-networking=0", "--bind-address=127.0.0.1",
                    "--port=" + std::to_string(port), "--ssl-cert=" + certificate + ".crt",
                    "--ssl-key=" + certificate + ".key"});
            } catch (const std::runtime_error& fault) {
                const bool taken = std::string(fault.what()).contains("already in use");
                if (!taken || attempts_left == 0) throw;
            }
        }
    }

    std::uint16_t port = 0;
    store::TestFolder folder;
    const std::string certificate = make_certificate(folder);
    const std::unique_ptr<TestServer> server = start();
};

TEST_F(MariadbTls, EncryptsWhereAskedToAndChecksTheServerAgainstItsAuthority) {
    server->run("CREATE USER guest IDENTIFIED BY 'a secret' REQUIRE SSL");
    EXPECT_EQ(fault_of(address(Tls::Required)), "");
    EXPECT_EQ(fault_of(address(Tls::Verify, certificate + ".crt")), "");
    EXPECT_NE(fault_of(address(Tls::Verify)), "") << "nobody vouches for the certificate";
    EXPECT_NE(fault_of(address(Tls::Off)), "") << "the user must come encrypted";
    EXPECT_EQ(fault_of(address(Tls::Off)).find("a secret"), std::string::npos);
}

}  // namespace
}  // namespace florin::mariadb
