#include "platform/redis/url.h"

#include <charconv>
#include <optional>

#include "platform/http/url.h"

namespace florin::redis {
namespace {

constexpr std::size_t url_bytes_max = 2'048;
constexpr std::uint32_t database_max = 65'535;

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

/// The text with its %XX taken for what they stand for.
std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        if (at + 2 >= text.size()) return std::nullopt;
        const auto high = hex_digit(text[at + 1]);
        const auto low = hex_digit(text[at + 2]);
        if (!high || !low) return std::nullopt;
        out += static_cast<char>(*high * 16 + *low);
        at += 2;
    }
    return out;
}

std::expected<void, std::string> read_user(std::string_view text, Address& address) {
    const auto colon = text.find(':');
    auto user = decoded(text.substr(0, colon));
    auto password = decoded(colon == std::string_view::npos ? "" : text.substr(colon + 1));
    if (!user || !password)
        return std::unexpected("has a % in its user or password without two hexadecimal digits");
    if (!user->empty() && password->empty())
        return std::unexpected("names a user without a password; write user:password@");
    address.user = std::move(*user);
    address.password = std::move(*password);
    return {};
}

std::expected<void, std::string> read_host(std::string_view text, Address& address) {
    auto url = http::parse_url("http://" + std::string(text) + "/");
    if (!url) return std::unexpected(std::move(url.error()));
    const auto bracket = text.find(']');
    const bool has_port =
        text.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
    address.host = std::move(url->host);
    if (has_port) address.port = url->port;
    return {};
}

std::expected<void, std::string> read_database(std::string_view path, Address& address) {
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.empty()) return {};
    const auto [stop, error] =
        std::from_chars(path.data(), path.data() + path.size(), address.database);
    if (error != std::errc{} || stop != path.data() + path.size() ||
        address.database > database_max) {
        return std::unexpected("has a path that is no number of a database, such as /0");
    }
    return {};
}

}  // namespace

std::string Address::shown() const {
    std::string text(tls ? "rediss://" : "redis://");
    if (!password.empty()) text += user + ":***@";
    const bool literal = host.find(':') != std::string::npos;
    text += literal ? "[" + host + "]" : host;
    text += ':' + std::to_string(port) + '/' + std::to_string(database);
    return text;
}

std::expected<Address, std::string> parse_redis_url(std::string_view text) {
    Address address;
    if (text.size() > url_bytes_max) return std::unexpected("has more than 2048 characters");
    if (text.starts_with("rediss://")) {
        address.tls = true;
        text.remove_prefix(9);
    } else if (text.starts_with("redis://")) {
        text.remove_prefix(8);
    } else {
        return std::unexpected("does not begin with redis:// or rediss://");
    }
    if (text.find_first_of("?#") != std::string_view::npos)
        return std::unexpected("has a ? or #: in a password write %3F or %23");
    const auto slash = text.find('/');
    const std::string_view path = slash == std::string_view::npos ? "" : text.substr(slash);
    std::string_view authority = text.substr(0, slash);
    if (path.find('@') != std::string_view::npos)
        return std::unexpected("has a / before its @: in a password write %2F");
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view user = authority.substr(0, at);
        if (user.find('@') != std::string_view::npos)
            return std::unexpected("has a second @: in a password write %40");
        if (auto read = read_user(user, address); !read) return std::unexpected(read.error());
        authority.remove_prefix(at + 1);
    }
    if (auto read = read_host(authority, address); !read) return std::unexpected(read.error());
    if (auto read = read_database(path, address); !read) return std::unexpected(read.error());
    return address;
}

}  // namespace florin::redis
