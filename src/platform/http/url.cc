#include "platform/http/url.h"

#include <algorithm>
#include <charconv>

#include "platform/base/ascii.h"

namespace florin::http {
namespace {

constexpr std::size_t url_bytes_max = 2'048;

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
    return equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool literal_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
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

/// "/a/./b/../c" is "/a/c" (RFC 3986, 5.2.4). What follows a question mark stays.
std::string without_dot_segments(std::string_view target) {
    const auto query = std::min(target.find('?'), target.size());
    std::string_view path = target.substr(0, query);
    std::string out;
    while (!path.empty()) {
        const auto end = std::min(path.find('/', 1), path.size());
        const auto segment = path.substr(0, end);
        path.remove_prefix(end);
        if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
        if (segment != "/.." && segment != "/.") {
            out += segment;
        } else if (path.empty()) {
            out += '/';
        }
    }
    out += target.substr(query);
    return out;
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
    const bool bad = std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte >= 0x7F || c == '\\';
    });
    if (bad) return std::unexpected("holds a character that has to be percent-encoded");
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

std::expected<Url, std::string> resolve_reference(const Url& base, std::string_view reference) {
    reference = reference.substr(0, reference.find('#'));
    if (reference.find("://") < reference.find_first_of("/?")) return parse_url(reference);
    if (reference.starts_with("//"))
        return parse_url((base.tls ? "https:" : "http:") + std::string(reference));
    const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
    std::string target(reference);
    if (reference.empty()) {
        target = base.target;
    } else if (reference.starts_with('?')) {
        target = std::string(path) + target;
    } else if (!reference.starts_with('/')) {
        target = std::string(path.substr(0, path.rfind('/') + 1)) + target;
    }
    return parse_url(base.origin() + without_dot_segments(target));
}

}  // namespace florin::http
