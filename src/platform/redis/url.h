#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace florin::redis {

/// Where Redis is and who we are there: redis://user:password@host:6379/0, taken apart.
struct Address {
    bool tls = false;  // rediss
    std::string host;  // lower case; an IPv6 literal without its brackets
    std::uint16_t port = 6379;
    std::string user;      // empty: the default user
    std::string password;  // empty: none is asked for
    std::uint32_t database = 0;

    /// The URL as people may see it: "redis://user:***@host:6379/0".
    [[nodiscard]] std::string shown() const;
};

/// Takes a redis or rediss URL of at most 2,048 characters. What user and password hold besides
/// letters, digits and -._~ may be percent-encoded, and :/?#[]@% must be. The error is a phrase
/// that says what is wrong, without the password.
std::expected<Address, std::string> parse_redis_url(std::string_view text);

}  // namespace florin::redis
