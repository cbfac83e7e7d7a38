#include "platform/http/url.h"

#include <algorithm>
#include <charconv>

namespace florin::http {
namespace {

constexpr std::size_t url_bytes_max = 2'048;

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::ranges::equal(text.substr(0, prefix.size()), prefix, [](char a, char b) {
               return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
           });
}

bool host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool literal_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// Splits "host:port" or "[literal]:port".
std::expected<void, std::string> read_authority(std::string_view authority, Url& url) {
    std::string_view host = authority;
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const auto close = authority.find(']');
        if (close == std::string_view::npos)
            return std::unexpected("has an IPv6 address without its closing bracket");
        host = authority.substr(1, close - 1);
        const auto rest = authority.substr(close + 1);
        has_port = rest.starts_with(':');
        if (!rest.empty() && !has_port) return std::unexpected("has text after its IPv6 address");
        if (has_port) port = rest.substr(1);
        url.host = lower(host);
        if (host.find(':') == std::string_view::npos ||
            !std::ranges::all_of(url.host, literal_character)) {
            return std::unexpected("has a malformed IPv6 address");
        }
    } else {
        const auto colon = authority.find(':');
        has_port = colon != std::string_view::npos;
        host = authority.substr(0, colon);
        if (has_port) port = authority.substr(colon + 1);
        url.host = lower(host);
        if (url.host.empty()) return std::unexpected("has no host");
        if (url.host.size() > 253 || !std::ranges::all_of(url.host, host_character)) {
            return std::unexpected("has a malformed host");
        }
    }
    if (!has_port) return {};
    unsigned number = 0;
    const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || stop != port.data() + port.size() || number == 0 ||
        number > 65'535) {
        return std::unexpected("has a malformed port");
    }
    url.port = static_cast<std::uint16_t>(number);
    return {};
}

}  // namespace

std::string Url::origin() const {
    return (tls ? "https://" : "http://") +
           (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" +
           std::to_string(port);
}

std::string Url::authority() const {
    std::string text = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
}

std::expected<Url, std::string> parse_url(std::string_view text) {
    if (text.size() > url_bytes_max)
        return std::unexpected("is longer than two thousand characters");
    const bool bad =
        std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7F || c == '\\'; });
    if (bad) return std::unexpected("holds a space, backslash or control character");
    Url url;
    if (starts_with_ignoring_case(text, "https://")) {
        url.tls = true;
        url.port = 443;
        text.remove_prefix(8);
    } else if (starts_with_ignoring_case(text, "http://")) {
        text.remove_prefix(7);
    } else {
        return std::unexpected("must be an absolute http or https URL");
    }
    const auto end = text.find_first_of("/?#");
    const std::string_view authority = text.substr(0, end);
    if (authority.find('@') != std::string_view::npos)
        return std::unexpected("must not hold a user name or password");
    if (auto read = read_authority(authority, url); !read) return std::unexpected(read.error());
    if (end != std::string_view::npos) {
        std::string_view target = text.substr(end);
        target = target.substr(0, target.find('#'));
        url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
    }
    return url;
}

}  // namespace florin::http
