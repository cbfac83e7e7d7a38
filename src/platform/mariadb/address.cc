#include "platform/mariadb/address.h"

#include <charconv>
#include <optional>
#include <utility>

namespace florin::mariadb {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t url_bytes_max = 4'096;
constexpr std::size_t name_bytes_max = 64;  // MariaDB's own limit for names of databases
constexpr int connections_max = 64;

/// What ends a parse: a text for people.
struct Complaint {
    std::string text;
};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decoded(std::string_view text, std::string_view part) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                throw Complaint{"a % in the " + std::string(part) +
                                " is not followed by two hexadecimal digits; write it as %25"};
            }
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (static_cast<unsigned char>(c) < 0x20)
            throw Complaint{"the " + std::string(part) + " holds a control character"};
        plain += c;
    }
    return plain;
}

int number_of(std::string_view text, std::string_view part, int most) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > most) {
        throw Complaint{"the " + std::string(part) + " \"" + std::string(text) +
                        "\" is not a number from 1 to " + std::to_string(most)};
    }
    return number;
}

/// Cuts `text` at the first `separator`: returns what stands before it and leaves what is behind.
std::optional<std::string_view> cut(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view before = text.substr(0, at);
    text.remove_prefix(at + 1);
    return before;
}

Tls tls_of(const std::string& value) {
    if (value == "off") return Tls::Off;
    if (value == "required") return Tls::Required;
    if (value == "verify") return Tls::Verify;
    throw Complaint{"tls=" + value + " is unknown; choose off, required or verify"};
}

void read_user(Address& address, std::string_view text) {
    std::string_view password = text;
    const auto user = cut(password, ':');
    address.user = decoded(user.value_or(text), "user");
    if (user) address.password = decoded(password, "password");
}

void read_place(Address& address, std::string_view text) {
    std::string_view port;
    if (text.starts_with('[')) {  // [::1]:3306
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) throw Complaint{"the [ of the host has no ]"};
        address.host = decoded(text.substr(1, end - 1), "host");
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':')
            throw Complaint{"only a port may follow the ] of the host"};
    } else {
        const std::size_t colon = text.find(':');
        address.host = decoded(text.substr(0, colon), "host");
        if (colon != std::string_view::npos) port = text.substr(colon);
    }
    if (address.host.empty()) throw Complaint{"the host is missing"};
    if (!port.empty()) {
        address.port = static_cast<std::uint16_t>(number_of(port.substr(1), "port", 65'535));
    }
}

void read_database(Address& address, std::string_view text) {
    address.database = decoded(text, "name of the database");
    if (address.database.empty())
        throw Complaint{
            "the name of the database is missing: put it behind the host, as in /florin"};
    if (address.database.size() > name_bytes_max ||
        address.database.find_first_of("/`\\.") != std::string::npos) {
        throw Complaint{"the name of the database has at most 64 characters and none of / ` \\ ."};
    }
}

void read_parameters(Address& address, std::string_view text) {
    std::optional<Tls> tls;
    while (!text.empty()) {
        const auto parameter = cut(text, '&');
        std::string_view value = parameter ? *parameter : std::exchange(text, {});
        const auto name = cut(value, '=');
        if (!name) throw Complaint{"a parameter without = stands behind the ?"};
        if (*name == "tls") {
            tls = tls_of(decoded(value, "tls"));
        } else if (*name == "ca") {
            address.ca = decoded(value, "ca");
        } else if (*name == "socket") {
            address.socket = decoded(value, "socket");
        } else if (*name == "connections") {
            address.writers = number_of(value, "connections", connections_max);
        } else if (*name == "readers") {
            address.readers = number_of(value, "readers", connections_max);
        } else {
            throw Complaint{"the parameter " + decoded(*name, "parameter") +
                            " is unknown; there are tls, ca, connections, readers and socket"};
        }
    }
    address.tls = tls.value_or(address.on_this_machine() ? Tls::Off : Tls::Required);
    if (!address.ca.empty() && address.tls != Tls::Verify)
        throw Complaint{"ca is for tls=verify; add it, or leave ca out"};
}

Address parsed(std::string_view url) {
    if (url.size() > url_bytes_max)
        throw Complaint{"it is longer than " + std::to_string(url_bytes_max) + " bytes"};
    constexpr auto scheme = "mariadb://"sv;
    if (!url.starts_with(scheme))
        throw Complaint{
            "it does not start with mariadb://, as in "
            "mariadb://user:password@host:3306/florin"};
    std::string_view rest = url.substr(scheme.size());
    Address address;
    std::string_view place = cut(rest, '/').value_or(std::string_view());
    if (place.data() == nullptr) throw Complaint{"the name of the database is missing"};
    // A password may hold an @ that nobody encoded: the last one ends it.
    if (const std::size_t at = place.rfind('@'); at != std::string_view::npos) {
        read_user(address, place.substr(0, at));
        place.remove_prefix(at + 1);
    }
    if (address.user.empty())
        throw Complaint{"the user is missing: put user:password@ before the host"};
    read_place(address, place);
    std::string_view parameters = rest;
    const auto database = cut(parameters, '?');
    read_database(address, database.value_or(rest));
    read_parameters(address, database ? parameters : std::string_view());
    return address;
}

}  // namespace

bool Address::on_this_machine() const {
    return !socket.empty() || host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string Address::text() const {
    if (!socket.empty()) return socket + "/" + database;
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + "/" + database;
}

std::expected<Address, std::string> parse_url(std::string_view url) {
    try {
        return parsed(url);
    } catch (const Complaint& complaint) {
        return std::unexpected("the URL of the database cannot be used: " + complaint.text);
    }
}

}  // namespace florin::mariadb
