#include "app/command_line.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "app/settings.h"

namespace florin::app {
namespace {

class CommandLineTest : public ::testing::Test {
protected:
    int run(const std::vector<std::string>& arguments) {
        Commands commands{.serve = [this](const Settings& settings) {
            served = settings;
            ++runs;
            return exit_ok;
        }};
        commands.work = [this](const Settings& settings) {
            worked = settings;
            ++works;
            return exit_ok;
        };
        return run_command_line(arguments, commands);
    }

    Settings served;
    Settings worked;
    int runs = 0;
    int works = 0;
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

TEST_F(CommandLineTest, UnderTheWorkersNameOrInItsRoleItWorks) {
    EXPECT_EQ(run({"./bin/reservation-worker", "--worker-concurrency", "7"}), exit_ok);
    EXPECT_EQ(worked.worker.concurrency, 7U);
    EXPECT_EQ(run({"florin", "serve", "--role", "reservation-worker"}), exit_ok);
    EXPECT_EQ(works, 2);
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(run({"florin", "serve", "--role", "payment-sim-api"}), exit_ok);
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(run({"florin", "serve", "--role", "cook"}), exit_usage);
}

TEST_F(CommandLineTest, ARoleSaysWhichPartsAreServed) {
    EXPECT_EQ(run({"florin", "serve", "--role", "worker,gateway"}), exit_ok);
    ASSERT_EQ(runs, 1);
    EXPECT_EQ(served.roles, (Roles{Role::Gateway, Role::Worker}));
    EXPECT_EQ(run({"payment-sim-api", "--role", "worker,api"}), exit_ok);
    EXPECT_EQ(served.roles, (Roles{Role::Api, Role::Worker}));
    EXPECT_EQ(run({"florin", "serve"}), exit_ok);
    EXPECT_EQ(served.roles, Roles::all());
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

TEST_F(CommandLineTest, SaysWhatWasWrongWithTheArgumentsAndWhatToTypeInstead) {
    const auto complaint = [this](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "florin");
        ::testing::internal::CaptureStderr();
        EXPECT_EQ(run(arguments), exit_usage);
        return ::testing::internal::GetCapturedStderr();
    };
    const auto expect = [&](const std::vector<std::string>& arguments, const char* what) {
        const auto text = complaint(arguments);
        EXPECT_NE(text.find(what), std::string::npos) << text;
    };
    expect({"--bogus"}, "there is no flag --bogus\n`florin --help`");
    expect({"sevre"}, "there is no command \"sevre\": serve, config, doctor");
    expect({"serve", "--grpc-prt=1"},
           "there is no flag --grpc-prt; did you mean --grpc-port?\n`florin serve --help`");
    expect({"serve", "extra"}, "\"extra\" is too much\n`florin serve --help`");
    expect({"pay", "--port", "1"}, "there is no flag --port\n`florin pay --help`");
    expect({"dlq"}, "name a command: list, show, redrive, discard\n`florin dlq --help`");
    expect({"dlq", "lst"}, "there is no command \"lst\": list, show");
    expect({"keys", "create"}, "--merchant is required\n`florin keys create --help`");
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

TEST_F(CommandLineTest, WebhookVerifyJudgesSignatureAndAge) {
    std::string file = (std::filesystem::temp_directory_path() / "florin-body-XXXXXX").string();
    ::close(::mkstemp(file.data()));
    std::ofstream(file) << R"({"payment_id":"pay-uuid-123","reservation_id":"rsv-123",)"
                        << R"("status":"PAYMENT_STATUS_COMPLETED","amount":100000,)"
                        << R"("currency":"KRW","timestamp":1234567890,)"
                        << R"("event_type":"payment.status_updated"})";
    const auto verify = [&](const char* secret, const char* at) {
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const int code =
            run({"florin", "webhook", "verify", file, "--secret", secret, "--at", at, "--signature",
                 "sha256=828bce74b9969bc6955725e58ac96e8900ffaf10986b226bf0538eb93c9d70af"});
        ::testing::internal::GetCapturedStdout();
        ::testing::internal::GetCapturedStderr();
        return code;
    };
    EXPECT_EQ(verify("payment-sim-dev-secret", "1234568190"), exit_ok);
    EXPECT_EQ(verify("payment-sim-dev-secret", "1234568191"), exit_failure);
    EXPECT_EQ(verify("another-secret", "1234567890"), exit_failure);
    std::filesystem::remove(file);
}

TEST_F(CommandLineTest, ToolsRefuseValuesThatCannotWork) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"florin", "pay", "--target", "localhost:port"},
          {"florin", "pay", "--delay-ms", "-5"},
          {"florin", "bench", "--rate", "0"},
          {"florin", "webhook"},
          {"florin", "webhook", "verify"},
          {"florin", "webhook", "listen", "--status", "99"}}) {
        ::testing::internal::CaptureStderr();
        EXPECT_EQ(run(arguments), exit_usage);
        EXPECT_NE(::testing::internal::GetCapturedStderr(), "");
    }
}

}  // namespace
}  // namespace florin::app
