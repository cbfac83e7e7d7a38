#include "app/command_line.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/settings.h"

namespace florin::app {
namespace {

class CommandLineTest : public ::testing::Test {
protected:
    int run(const std::vector<std::string>& arguments) {
        const Commands commands{.serve = [this](const Settings& settings) {
            served = settings;
            ++runs;
            return exit_ok;
        }};
        return run_command_line(arguments, commands);
    }

    Settings served;
    int runs = 0;
};

TEST_F(CommandLineTest, ServeTakesItsSettingsFromFlags) {
    EXPECT_EQ(
        run({"florin", "serve", "--grpc-port", "9000", "--default-scenario=FAIL", "--ephemeral"}),
        exit_ok);
    ASSERT_EQ(runs, 1);
    EXPECT_EQ(served.server.grpc_port, 9000);
    EXPECT_EQ(served.payments.default_scenario, gateway::Scenario::Fail);
    EXPECT_TRUE(served.storage.ephemeral);
}

TEST_F(CommandLineTest, ASwitchTakesAValueToo) {
    EXPECT_EQ(run({"florin", "serve", "--ephemeral=false", "--webhook-allow-private=no"}), exit_ok);
    ASSERT_EQ(runs, 1);
    EXPECT_FALSE(served.storage.ephemeral);
    EXPECT_FALSE(served.webhooks.allow_private);
}

TEST_F(CommandLineTest, UnderTheServicesOldNameItServes) {
    EXPECT_EQ(run({"/usr/local/bin/payment-sim-api", "--grpc-port", "9001"}), exit_ok);
    ASSERT_EQ(runs, 1);
    EXPECT_EQ(served.server.grpc_port, 9001);
    EXPECT_EQ(run({"payment-sim-api", "version"}), exit_ok);
    EXPECT_EQ(runs, 1);
}

TEST_F(CommandLineTest, TheWorkersNameSaysThatItIsToCome) {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(run({"./bin/reservation-worker"}), exit_usage);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("AWS events"), std::string::npos);
}

TEST_F(CommandLineTest, WrongUsageEndsWithTwoAndDoesNotServe) {
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"florin"},
                                                      {"florin", "sevre"},
                                                      {"florin", "serve", "--nope"},
                                                      {"florin", "serve", "extra"},
                                                      {"florin", "serve", "--grpc-port", "x"}}) {
        ::testing::internal::CaptureStderr();
        EXPECT_EQ(run(arguments), exit_usage);
        EXPECT_NE(::testing::internal::GetCapturedStderr(), "");
    }
    EXPECT_EQ(runs, 0);
}

TEST_F(CommandLineTest, HelpIsNotAFailure) {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(run({"florin", "--help"}), exit_ok);
    EXPECT_EQ(run({"florin", "serve", "--help"}), exit_ok);
    const std::string text = ::testing::internal::GetCapturedStdout();
    EXPECT_NE(text.find("Examples:"), std::string::npos);
    EXPECT_NE(text.find("--grpc-port"), std::string::npos);
}

TEST_F(CommandLineTest, ConfigShowsTheValueOfAFlag) {
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(run({"florin", "config", "--json", "--grpc-port", "9002"}), exit_ok);
    const std::string text = ::testing::internal::GetCapturedStdout();
    EXPECT_NE(text.find(R"("name":"GRPC_PORT","value":"9002","source":"flag")"), std::string::npos)
        << text;
}

}  // namespace
}  // namespace florin::app
