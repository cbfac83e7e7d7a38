#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace florin::mariadb {

/// How a connection is protected on its way.
enum class Tls : std::uint8_t {
    Off,
    Required,  // encrypted; who answers is not checked
    Verify     // encrypted, and the server's certificate is checked against the host and the CA
};

/// Where a MariaDB database is and how to come in.
struct Address {
    std::string host = "localhost";
    std::uint16_t port = 3306;
    std::string socket;  // a unix socket; not empty: instead of host and port
    std::string user;
    std::string password;
    std::string database;
    Tls tls = Tls::Off;
    std::string ca;   // a PEM file for `Verify`; empty: the system's
    int writers = 2;  // connections that write
    int readers = 2;  // connections that read

    /// Without the password and what else is nobody's business: "host:port/database".
    [[nodiscard]] std::string text() const;
    /// A unix socket or a loopback address.
    [[nodiscard]] bool on_this_machine() const;
};

/// Reads `mariadb://user:password@host:port/database?tls=off|required|verify&ca=…&connections=…&`
/// `readers=…&socket=…`, everything percent-decoded. Without `tls` a connection to another machine
/// is `Required`. The error says what is wrong without repeating a secret.
std::expected<Address, std::string> parse_url(std::string_view url);

}  // namespace florin::mariadb
