#include <algorithm>
#include <array>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "platform/http/client.h"

namespace ip = boost::asio::ip;

namespace florin::http {
namespace {

// The IANA special-purpose registries (RFC 6890 and its updates), less what is globally reachable.
constexpr std::array blocked_v4 = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4"};
constexpr std::array blocked_v6 = {"::/128",    "::1/128",       "64:ff9b:1::/48", "100::/64",
                                   "2001::/23", "2001:db8::/32", "fc00::/7",       "fe80::/10",
                                   "fec0::/10", "ff00::/8"};

bool in_block(const ip::address_v4& address, const ip::network_v4& block) {
    return ip::network_v4(address, block.prefix_length()).canonical() == block.canonical();
}

bool in_block(const ip::address_v6& address, const ip::network_v6& block) {
    return ip::network_v6(address, block.prefix_length()).canonical() == block.canonical();
}

/// The IPv4 address an IPv6 address stands for: mapped, NAT64 (64:ff9b::/96) and 6to4 (2002::/16).
std::optional<ip::address_v4> embedded_v4(const ip::address_v6& address) {
    const auto b = address.to_bytes();
    auto tail = ip::address_v4({b[12], b[13], b[14], b[15]});
    if (address.is_v4_mapped()) return tail;
    const bool compatible =
        std::all_of(b.begin(), b.begin() + 12, [](auto byte) { return byte == 0; });
    if (compatible && tail.to_uint() > 1) return tail;
    if (in_block(address, ip::make_network_v6("64:ff9b::/96"))) return tail;
    if (b[0] == 0x20 && b[1] == 0x02) return ip::address_v4({b[2], b[3], b[4], b[5]});
    return std::nullopt;
}

bool public_v4(const ip::address_v4& address) {
    return std::ranges::none_of(blocked_v4, [&](const char* block) {
        return in_block(address, ip::make_network_v4(block));
    });
}

bool is_public(const ip::address& address) {
    if (address.is_v4()) return public_v4(address.to_v4());
    if (const auto v4 = embedded_v4(address.to_v6())) return public_v4(*v4);
    return std::ranges::none_of(blocked_v6, [&](const char* block) {
        return in_block(address.to_v6(), ip::make_network_v6(block));
    });
}

bool block_holds(const std::string& block, const ip::address& address) {
    boost::system::error_code not_one;
    const auto v4 = ip::make_network_v4(block, not_one);
    if (!not_one) return address.is_v4() && in_block(address.to_v4(), v4);
    const auto v6 = ip::make_network_v6(block, not_one);
    return !not_one && address.is_v6() && in_block(address.to_v6(), v6);
}

}  // namespace

bool allows(const EgressPolicy& policy, std::string_view host, const ip::address& reached) {
    // Without its scope, which takes part in comparisons: fe80::1%1 lies in fe80::/10 too.
    const ip::address address =
        reached.is_v6() ? ip::address(ip::address_v6(reached.to_v6().to_bytes())) : reached;
    if (!policy.public_only || is_public(address)) return true;
    return std::ranges::any_of(policy.allowed, [&](const std::string& exception) {
        return exception == host || exception == address.to_string() ||
               block_holds(exception, address);
    });
}

}  // namespace florin::http
