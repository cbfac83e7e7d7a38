#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace florin::http {

/// An absolute http or https URL, taken apart.
struct Url {
    bool tls = false;
    std::string host;  // lower case; an IPv6 literal without its brackets
    std::uint16_t port = 80;
    std::string target = "/";  // path and query, as sent; never a fragment

    /// "https://host:443", the key of connection pools and per-host limits.
    [[nodiscard]] std::string origin() const;
    /// The value of the Host header.
    [[nodiscard]] std::string authority() const;
};

/// Takes an absolute http(s) URL with a host, at most 2,048 characters; refuses user info, control
/// characters and bad ports. The error is a phrase that says what is wrong.
std::expected<Url, std::string> parse_url(std::string_view text);

/// The URL that `reference` names when it stands in an answer from `base`: a whole URL, or a host,
/// path or query relative to it (RFC 3986, 5.2).
std::expected<Url, std::string> resolve_reference(const Url& base, std::string_view reference);

}  // namespace florin::http
