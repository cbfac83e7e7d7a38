#include <boost/asio/ip/address.hpp>
#include <gtest/gtest.h>

#include "platform/http/client.h"

namespace florin::http {
namespace {

bool lets_through(const EgressPolicy& policy, const char* host, const char* address) {
    return allows(policy, host, boost::asio::ip::make_address(address));
}

TEST(Egress, RefusesAddressesThatAreNotPublic) {
    const EgressPolicy policy{.public_only = true, .allowed = {}};
    for (const char* address : {"0.0.0.0",
                                "0.1.2.3",
                                "10.0.0.1",
                                "100.64.0.1",
                                "100.127.255.255",
                                "127.0.0.1",
                                "127.255.255.255",
                                "169.254.169.254",
                                "172.16.0.1",
                                "172.31.255.255",
                                "192.0.0.1",
                                "192.0.2.1",
                                "192.168.1.1",
                                "198.18.0.1",
                                "198.19.255.255",
                                "198.51.100.1",
                                "203.0.113.1",
                                "224.0.0.1",
                                "240.0.0.1",
                                "255.255.255.255",
                                "::",
                                "::1",
                                "fc00::1",
                                "fd00::1",
                                "fd00:ec2::254",
                                "fe80::1",
                                "febf::1",
                                "fec0::1",
                                "ff02::1",
                                "2001:db8::1",
                                "100::1",
                                "2001::1"}) {
        EXPECT_FALSE(lets_through(policy, "a.example", address)) << address;
    }
}

TEST(Egress, SeesTheIpv4AddressInsideAnIpv6One) {
    const EgressPolicy policy{.public_only = true, .allowed = {}};
    for (const char* address :
         {"::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
          "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "::127.0.0.1"}) {
        EXPECT_FALSE(lets_through(policy, "a.example", address)) << address;
    }
    for (const char* address : {"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"})
        EXPECT_TRUE(lets_through(policy, "a.example", address)) << address;
}

TEST(Egress, AScopeDoesNotMakeALocalAddressPublic) {
    const EgressPolicy policy{.public_only = true, .allowed = {}};
    for (const char* address : {"fe80::1%1", "::1%1", "fd00::1%2", "64:ff9b::127.0.0.1%1"})
        EXPECT_FALSE(lets_through(policy, "a.example", address)) << address;
    EXPECT_TRUE(lets_through({.public_only = true, .allowed = {"fe80::/10"}}, "a", "fe80::1%1"));
}

TEST(Egress, AllowsPublicAddressesAndTheirNeighbours) {
    const EgressPolicy policy{.public_only = true, .allowed = {}};
    for (const char* address :
         {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
          "172.32.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111", "2a00::1"}) {
        EXPECT_TRUE(lets_through(policy, "a.example", address)) << address;
    }
}

TEST(Egress, TakesHostsAddressesAndBlocksAsExceptions) {
    const EgressPolicy policy{
        .public_only = true, .allowed = {"hooks.internal", "10.1.0.0/16", "fd00::/8", "127.0.0.1"}};
    EXPECT_TRUE(lets_through(policy, "hooks.internal", "192.168.0.1"));
    EXPECT_FALSE(lets_through(policy, "x.hooks.internal", "192.168.0.1"));
    EXPECT_TRUE(lets_through(policy, "a", "10.1.255.255"));
    EXPECT_FALSE(lets_through(policy, "a", "10.2.0.0"));
    EXPECT_TRUE(lets_through(policy, "a", "fd12::1"));
    EXPECT_FALSE(lets_through(policy, "a", "fe80::1"));
    EXPECT_TRUE(lets_through(policy, "a", "127.0.0.1"));
    EXPECT_FALSE(lets_through(policy, "a", "127.0.0.2"));
}

TEST(Egress, AllowsEverythingUnlessToldOtherwise) {
    EXPECT_TRUE(lets_through({}, "localhost", "127.0.0.1"));
}

}  // namespace
}  // namespace florin::http
