#include "platform/http/url.h"

#include <gtest/gtest.h>

namespace florin::http {
namespace {

TEST(Url, TakesAddressesApart) {
    struct Case {
        const char* text;
        bool tls;
        const char* host;
        unsigned port;
        const char* target;
        const char* authority;
    };
    for (const auto& c : {
             Case{"http://a.example", false, "a.example", 80, "/", "a.example"},
             Case{"HTTPS://A.Example/Path", true, "a.example", 443, "/Path", "a.example"},
             Case{"http://a:8080/x?y=1#part", false, "a", 8080, "/x?y=1", "a:8080"},
             Case{"https://a:443/", true, "a", 443, "/", "a"},
             Case{"https://a:80/", true, "a", 80, "/", "a:80"},
             Case{"http://a?q", false, "a", 80, "/?q", "a"},
             Case{"http://a#part", false, "a", 80, "/", "a"},
             Case{"http://[::1]:81/x", false, "::1", 81, "/x", "[::1]:81"},
             Case{"http://[FD00::1]", false, "fd00::1", 80, "/", "[fd00::1]"},
         }) {
        SCOPED_TRACE(c.text);
        const auto url = parse_url(c.text);
        ASSERT_TRUE(url) << url.error();
        EXPECT_EQ(url->tls, c.tls);
        EXPECT_EQ(url->host, c.host);
        EXPECT_EQ(url->port, c.port);
        EXPECT_EQ(url->target, c.target);
        EXPECT_EQ(url->authority(), c.authority);
    }
}

TEST(Url, RefusesWhatCouldMeanTwoThings) {
    for (const char* text : {"",
                             "a.example",
                             "//a",
                             "ftp://a",
                             "http:/a",
                             "http://",
                             "http:///x",
                             "http://:80",
                             "http://user@a",
                             "http://user:word@a",
                             "http://a b",
                             "http://a\r\nX: y",
                             "http://a\\b",
                             "http://a:",
                             "http://a:0",
                             "http://a:65536",
                             "http://a:-1",
                             "http://a:80x",
                             "http://a:8:9",
                             "http://[::1",
                             "http://[::1]x",
                             "http://[]",
                             "http://[1.2.3.4]",
                             "http://[fe80::1%25eth0]",
                             "http://a%41",
                             "http://\xc3\xa9"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_url(text));
    }
    EXPECT_TRUE(parse_url("http://a/" + std::string(2'039, 'x')));
    EXPECT_FALSE(parse_url("http://a/" + std::string(2'040, 'x')));
    EXPECT_FALSE(parse_url("http://" + std::string(254, 'a')));
}

TEST(Url, AnOriginNamesItsPortAlways) {
    EXPECT_EQ(parse_url("https://A/x")->origin(), "https://a:443");
    EXPECT_EQ(parse_url("http://[::1]/x")->origin(), "http://[::1]:80");
}

}  // namespace
}  // namespace florin::http
