// Which troubles of a start are waited out, and which are told at once.

#include <thread>

#include <gtest/gtest.h>

#include "platform/mariadb/test_world.h"

namespace florin::mariadb {
namespace {

using store::StoreFault;

class MariadbEntry : public testing::Test {
protected:
    /// A start that would wait far longer than any test; what it is refused with.
    std::string refusal_of(const Address& way) {
        Options options = world.options();
        options.address = way;
        options.start_patience = std::chrono::hours(1);
        try {
            static_cast<void>(open_mariadb(options, world.metrics));
        } catch (const EntryRefused& refused) {
            return refused.what();
        }
        return "";
    }

    void expect_refusal(const Address& way, const std::string& reason, const std::string& advice) {
        const std::string refusal = refusal_of(way);
        EXPECT_NE(refusal.find(reason), std::string::npos) << refusal;
        EXPECT_NE(refusal.find(advice), std::string::npos) << refusal;
        EXPECT_EQ(refusal.find("a secret"), std::string::npos) << refusal;
    }

    TestWorld world;
    Address address = world.server.address(world.name);
};

TEST_F(MariadbEntry, AWrongPasswordIsToldAtOnceAndNotShown) {
    world.server.run("CREATE OR REPLACE USER teller IDENTIFIED BY 'another'");
    address.user = "teller";
    address.password = "a secret";
    expect_refusal(address, "(1045)", "check the user and the password");
}

TEST_F(MariadbEntry, AnUnknownDatabaseIsToldAtOnce) {
    address.database = "nowhere";
    expect_refusal(address, "(1049)", "create the database");
}

TEST_F(MariadbEntry, ADatabaseOfOthersIsToldAtOnce) {
    world.server.run("CREATE OR REPLACE USER stranger IDENTIFIED BY 'a secret'");
    address.user = "stranger";
    address.password = "a secret";
    expect_refusal(address, "(1044)", "grant the user the rights");
}

TEST_F(MariadbEntry, AServerThatCannotEncryptIsToldAtOnceWhereItMust) {
    address.tls = Tls::Verify;
    expect_refusal(address, address.text(), "tls=off");
}

TEST(MariadbWaiting, AServerThatIsNotThereYetIsWaitedFor) {
    TestServer server;
    TestWorld world{server};
    Options options = world.options();
    options.start_patience = std::chrono::minutes(2);
    server.stop();
    std::string fault;
    std::thread starting([&] {
        try {
            static_cast<void>(open_mariadb(options, world.metrics));
        } catch (const StoreFault& refused) {
            fault = refused.what();
        }
    });
    server.start();
    starting.join();
    EXPECT_EQ(fault, "");
}

}  // namespace
}  // namespace florin::mariadb
