#include "platform/mariadb/address.h"

#include <gtest/gtest.h>

namespace florin::mariadb {
namespace {

TEST(MariadbUrl, NamesServerUserAndDatabase) {
    const auto address = parse_url("mariadb://florin:s%40crEt%2F@db.example:3307/florin_1").value();
    EXPECT_EQ(address.host, "db.example");
    EXPECT_EQ(address.port, 3307);
    EXPECT_EQ(address.user, "florin");
    EXPECT_EQ(address.password, "s@crEt/");
    EXPECT_EQ(address.database, "florin_1");
    EXPECT_EQ(address.tls, Tls::Required) << "the way to another machine is encrypted";
    EXPECT_EQ(address.text(), "db.example:3307/florin_1");
}

TEST(MariadbUrl, HasDefaultsForTheSameMachine) {
    for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
        const auto address = parse_url("mariadb://florin@" + std::string(host) + "/florin").value();
        EXPECT_EQ(address.port, 3306) << host;
        EXPECT_EQ(address.password, "") << host;
        EXPECT_EQ(address.tls, Tls::Off) << host;
    }
}

TEST(MariadbUrl, TakesParameters) {
    const auto address =
        parse_url("mariadb://u:p@h/d?tls=verify&ca=%2Fetc%2Fca.pem&connections=4&readers=3")
            .value();
    EXPECT_EQ(address.tls, Tls::Verify);
    EXPECT_EQ(address.ca, "/etc/ca.pem");
    EXPECT_EQ(address.writers, 4);
    EXPECT_EQ(address.readers, 3);
    EXPECT_EQ(parse_url("mariadb://u@localhost/d?socket=/run/s")->socket, "/run/s");
    EXPECT_EQ(parse_url("mariadb://u@[fe80::1]:33/d?tls=off")->text(), "[fe80::1]:33/d");
}

TEST(MariadbUrl, ThatIsWrongIsExplainedWithoutItsPassword) {
    struct Case {
        const char* url;
        const char* complaint;
    };
    for (const auto& [url, complaint] :
         {Case{"", "does not start with mariadb://"},
          Case{"mysql://u:hunter2@h/d", "does not start with mariadb://"},
          Case{"mariadb://u:hunter2@h", "the name of the database is missing"},
          Case{"mariadb://u:hunter2@h/", "the name of the database is missing"},
          Case{"mariadb://u:hunter2@h/a.b", "at most 64 characters"},
          Case{"mariadb://h/d", "the user is missing"},
          Case{"mariadb://u:hunter2%@h/d", "a % in the password"},
          Case{"mariadb://u:hunter2%00@h/d", "a control character"},
          Case{"mariadb://u:hunter2@/d", "the host is missing"},
          Case{"mariadb://u:hunter2@[::1/d", "has no ]"},
          Case{"mariadb://u:hunter2@h:/d", "the port \"\" is not a number"},
          Case{"mariadb://u:hunter2@h:65536/d", "the port \"65536\" is not a number"},
          Case{"mariadb://u:hunter2@h/d?tls", "a parameter without ="},
          Case{"mariadb://u:hunter2@h/d?tls=maybe", "choose off, required or verify"},
          Case{"mariadb://u:hunter2@h/d?ca=x", "ca is for tls=verify"},
          Case{"mariadb://u:hunter2@h/d?connections=0", "is not a number from 1 to 64"},
          Case{"mariadb://u:hunter2@h/d?color=blue", "the parameter color is unknown"}}) {
        const auto parsed = parse_url(url);
        ASSERT_FALSE(parsed.has_value()) << url;
        EXPECT_NE(parsed.error().find(complaint), std::string::npos) << parsed.error();
        EXPECT_EQ(parsed.error().find("hunter2"), std::string::npos) << parsed.error();
    }
}

}  // namespace
}  // namespace florin::mariadb
