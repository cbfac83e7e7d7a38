#include "app/settings.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "app/config_command.h"
#include "app/load_settings.h"
#include "app/setting_rules.h"
#include "app/setting_table.h"

namespace florin::app {
namespace {

/// A folder of its own that disappears with the test.
class SettingsTest : public ::testing::Test {
protected:
    SettingsTest() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "florin-settings-XXXXXX").string();
        inputs.folder = mkdtemp(pattern.data());
    }
    ~SettingsTest() override { std::filesystem::remove_all(inputs.folder); }

    std::filesystem::path write(const std::string& name, const std::string& text) {
        std::ofstream(inputs.folder / name) << text;
        return inputs.folder / name;
    }

    LoadedSettings loaded() {
        auto result = load_settings(inputs);
        if (!result) {
            ADD_FAILURE() << ::testing::PrintToString(result.error());
            return {Settings(), std::vector<SettingSource>(setting_table().size())};
        }
        return std::move(*result);
    }

    std::vector<std::string> complaints() {
        const auto result = load_settings(inputs);
        return result ? std::vector<std::string>() : result.error();
    }

    SettingInputs inputs;
};

TEST_F(SettingsTest, DefaultsAreThoseOfTheContract) {
    const Settings settings = loaded().values;
    EXPECT_EQ(settings.server.grpc_port, 8030);
    EXPECT_EQ(settings.server.health_port, 8031);
    EXPECT_EQ(settings.server.http_port, 8080);
    EXPECT_EQ(settings.webhooks.secret, "payment-sim-dev-secret");
    EXPECT_EQ(settings.payments.default_delay, Milliseconds(2'000));
    EXPECT_EQ(settings.payments.delay_scenario, Milliseconds(2'000));
    EXPECT_EQ(settings.payments.default_scenario, gateway::Scenario::Approve);
    EXPECT_EQ(settings.log_level, telemetry::Level::Debug);
    EXPECT_EQ(settings.log_format, telemetry::Format::Console);
    EXPECT_EQ(settings.server.public_url, "http://localhost:8080");
    EXPECT_TRUE(settings.webhooks.allow_private);
    EXPECT_TRUE(settings.database.migrate);
    EXPECT_EQ(settings.aws.event_bus_name, "ticket-reservation-events");
}

TEST_F(SettingsTest, EveryDefaultIsAllowedByItsOwnSetting) {
    const LoadedSettings defaults = loaded();
    for (const auto& setting : setting_table()) {
        SCOPED_TRACE(setting.name);
        Settings copy;
        const std::string shown = setting.show(defaults.values);
        EXPECT_TRUE(setting.assign(copy, shown)) << shown;
        EXPECT_EQ(setting.show(copy), shown);
    }
}

TEST_F(SettingsTest, TheAddressOfRedisIsShownWithoutItsPassword) {
    inputs.environment["REDIS_URL"] = "redis://florin:hunter2@cache:6379/1";
    const LoadedSettings settings = loaded();
    EXPECT_EQ(settings.values.redis.url, "redis://florin:hunter2@cache:6379/1");
    for (const ConfigForm form : {ConfigForm::Table, ConfigForm::Json}) {
        const std::string text = describe_settings(settings, form);
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
        EXPECT_NE(text.find("florin:***@cache:6379"), std::string::npos) << text;
    }
    inputs.environment["REDIS_URL"] = "redis://florin:hunter2@cache:port/1";
    const auto said = complaints();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_TRUE(said[0].starts_with("REDIS_URL (environment): the address has a malformed port"));
    EXPECT_EQ(said[0].find("hunter2"), std::string::npos);
}

TEST_F(SettingsTest, AHostOfRedisMakesItsAddress) {
    inputs.environment["REDIS_HOST"] = "cache";
    EXPECT_EQ(loaded().values.redis.url, "redis://cache:6379/0");
    inputs.environment["REDIS_PORT"] = "6380";
    inputs.environment["REDIS_HOST"] = "::1";
    EXPECT_EQ(loaded().values.redis.url, "redis://[::1]:6380/0");
    inputs.environment["REDIS_URL"] = "redis://other";
    EXPECT_EQ(loaded().values.redis.url, "redis://other");
}

TEST_F(SettingsTest, AStrongerSourceReplacesAWeakerOne) {
    inputs.config_file = write("florin.toml", "grpc_port = 9001\n");
    EXPECT_EQ(loaded().values.server.grpc_port, 9001);
    write(".env", "GRPC_PORT=9002\n");
    EXPECT_EQ(loaded().values.server.grpc_port, 9002);
    write(".env.local", "# local\nexport GRPC_PORT=9003\r\n");
    EXPECT_EQ(loaded().values.server.grpc_port, 9003);
    EXPECT_EQ(source_of(loaded(), "GRPC_PORT").text, ".env.local line 2");
    inputs.environment["GRPC_PORT"] = "9004";
    EXPECT_EQ(loaded().values.server.grpc_port, 9004);
    inputs.flags["GRPC_PORT"] = "9005";
    EXPECT_EQ(loaded().values.server.grpc_port, 9005);
    EXPECT_EQ(source_of(loaded(), "GRPC_PORT").text, "--grpc-port");
    EXPECT_EQ(source_of(loaded(), "HTTP_PORT").text, "default");
}

TEST_F(SettingsTest, ATomlTableNamesTheFirstPartOfItsSettings) {
    inputs.config_file = write("florin.toml",
                               "data_dir = \"/srv/florin\"\nephemeral = true\n[webhook]\n"
                               "secret = \"from-the-file\"\nallowed_hosts = [\"a.example\", "
                               "\"10.0.0.0/8\"]\n[random]\napprove_rate = 0.25\n");
    const Settings settings = loaded().values;
    EXPECT_EQ(settings.storage.data_dir, "/srv/florin");
    EXPECT_TRUE(settings.storage.ephemeral);
    EXPECT_EQ(settings.webhooks.secret, "from-the-file");
    EXPECT_EQ(settings.webhooks.allowed_hosts,
              (std::vector<std::string>{"a.example", "10.0.0.0/8"}));
    EXPECT_EQ(settings.payments.random_approve_rate, 0.25);
}

TEST_F(SettingsTest, TheNameOfAnEnvironmentVariableWinsOverItsAlias) {
    inputs.environment = {{"SQS_QUEUE_URL", "https://alias"}};
    EXPECT_EQ(loaded().values.aws.queue_url, "https://alias");
    inputs.environment["PAYMENT_WEBHOOK_QUEUE_URL"] = "https://name";
    EXPECT_EQ(loaded().values.aws.queue_url, "https://name");
}

TEST_F(SettingsTest, NonsenseIsRefusedWithNameSourceValueAndWhatIsAllowed) {
    struct Case {
        const char* name;
        const char* value;
    };
    for (const auto& [name, value] : {Case{"GRPC_PORT", "80x30"},
                                      Case{"GRPC_PORT", ""},
                                      Case{"GRPC_PORT", "65536"},
                                      Case{"GRPC_PORT", "+8030"},
                                      Case{"HTTP_PORT", "tcp://10.0.0.1:8080"},
                                      Case{"BIND_ADDRESS", "localhost"},
                                      Case{"DATA_DIR", ""},
                                      Case{"EPHEMERAL", "maybe"},
                                      Case{"ENVIRONMENT", "prod"},
                                      Case{"LOG_LEVEL", "loud"},
                                      Case{"LOG_FORMAT", "xml"},
                                      Case{"DEFAULT_DELAY_MS", "-1"},
                                      Case{"DEFAULT_DELAY_MS", "2s"},
                                      Case{"DEFAULT_SCENARIO", "aprove"},
                                      Case{"MERCHANT_AUTH", "key"},
                                      Case{"RANDOM_SEED", "dice"},
                                      Case{"RANDOM_APPROVE_RATE", "1.01"},
                                      Case{"RANDOM_APPROVE_RATE", "nan"},
                                      Case{"INTENT_TTL_MS", "0"},
                                      Case{"PUBLIC_URL", "localhost:8080"},
                                      Case{"PUBLIC_URL", "http://"},
                                      Case{"PUBLIC_URL", "https://a.example/?q"},
                                      Case{"WEBHOOK_MAX_ATTEMPTS", "0"},
                                      Case{"WEBHOOK_ALLOWED_HOSTS", "a.example,,b"},
                                      Case{"WEBHOOK_ALLOWED_HOSTS", "10.0.0.0/33"},
                                      Case{"WEBHOOK_ALLOW_PRIVATE", ""}}) {
        SCOPED_TRACE(std::string(name) + "=" + value);
        inputs.environment = {{name, value}};
        const auto found = complaints();
        ASSERT_EQ(found.size(), 1U) << ::testing::PrintToString(found);
        EXPECT_TRUE(found[0].starts_with(std::string(name) + " (environment): \"" + value + "\""))
            << found[0];
        EXPECT_NE(found[0].find("; give "), std::string::npos) << found[0];
    }
}

TEST_F(SettingsTest, AllComplaintsComeAtOnce) {
    inputs.environment = {{"GRPC_PORT", "x"}, {"LOOPS", "-1"}};
    inputs.flags = {{"DEFAULT_SCENARIO", "win"}};
    write(".env", "no equals sign\n");
    EXPECT_EQ(complaints().size(), 4U) << ::testing::PrintToString(complaints());
}

TEST_F(SettingsTest, AComplaintNeverShowsASecret) {
    inputs.environment = {{"WEBHOOK_SECRET", "hunter2\nhunter2"}};
    ASSERT_EQ(complaints().size(), 1U);
    EXPECT_EQ(complaints()[0].find("hunter2"), std::string::npos) << complaints()[0];
}

TEST_F(SettingsTest, AConfigFileMustExistAndHoldOnlySettings) {
    inputs.config_file = inputs.folder / "missing.toml";
    EXPECT_NE(complaints().at(0).find("cannot read"), std::string::npos);
    inputs.config_file = write("a.toml", "grpc_prot = 1\n");
    EXPECT_NE(complaints().at(0).find("there is no setting \"grpc_prot\""), std::string::npos);
    inputs.config_file = write("b.toml", "\n= 1\n");
    EXPECT_NE(complaints().at(0).find("line 2"), std::string::npos) << complaints().at(0);
    inputs.config_file = write("c.toml", "grpc_port = 2020-01-01\n");
    EXPECT_NE(complaints().at(0).find("grpc_port must be"), std::string::npos);
}

TEST_F(SettingsTest, ScenariosAreTakenByShortAndFullNameInAnyCase) {
    for (const char* name : {"fail", "FAIL", "PAYMENT_SCENARIO_FAIL", "payment_scenario_fail"}) {
        inputs.environment = {{"DEFAULT_SCENARIO", name}};
        EXPECT_EQ(loaded().values.payments.default_scenario, gateway::Scenario::Fail) << name;
    }
}

TEST_F(SettingsTest, ADelayOfZeroMeansTheDefaultAndTheDelayScenarioFollowsIt) {
    inputs.environment = {{"DEFAULT_DELAY_MS", "0"}};
    EXPECT_EQ(loaded().values.payments.default_delay, Milliseconds(2'000));
    inputs.environment = {{"DEFAULT_DELAY_MS", "1500"}};
    EXPECT_EQ(loaded().values.payments.default_delay, Milliseconds(1'500));
    EXPECT_EQ(loaded().values.payments.delay_scenario, Milliseconds(1'500));
    inputs.environment["DELAY_SCENARIO_MS"] = "9000";
    EXPECT_EQ(loaded().values.payments.delay_scenario, Milliseconds(9'000));
}

TEST_F(SettingsTest, ProductionIsStrict) {
    inputs.environment = {{"ENVIRONMENT", "production"}};
    ASSERT_EQ(complaints().size(), 1U);
    EXPECT_NE(complaints()[0].find("WEBHOOK_SECRET (default)"), std::string::npos);
    inputs.environment["WEBHOOK_SECRET"] = "fifteen-letters";
    EXPECT_NE(complaints().at(0).find("too short"), std::string::npos);
    inputs.environment["WEBHOOK_SECRET"] = "sixteen-letters!";
    const Settings settings = loaded().values;
    EXPECT_EQ(settings.log_level, telemetry::Level::Info);
    EXPECT_EQ(settings.log_format, telemetry::Format::Json);
    EXPECT_FALSE(settings.webhooks.allow_private);
    EXPECT_EQ(settings.merchants.auth, MerchantAuth::Keys);
    EXPECT_FALSE(settings.database.migrate);
}

TEST_F(SettingsTest, ProductionAsksNoSecretOfAWorkerThatSignsNothing) {
    inputs.environment = {{"ENVIRONMENT", "production"}, {"FLORIN_ROLE", "reservation-worker"}};
    EXPECT_EQ(complaints(), std::vector<std::string>());
}

TEST_F(SettingsTest, ProductionDoesNotLeaveThePaymentsOpen) {
    EXPECT_EQ(loaded().values.merchants.auth, MerchantAuth::Open);
    inputs.flags = {{"MERCHANT_AUTH", "keys"}};
    EXPECT_EQ(loaded().values.merchants.auth, MerchantAuth::Keys);
    inputs.flags = {};
    inputs.environment = {{"ENVIRONMENT", "production"},
                          {"WEBHOOK_SECRET", "sixteen-letters!"},
                          {"MERCHANT_AUTH", "open"}};
    ASSERT_EQ(complaints().size(), 1U);
    EXPECT_NE(complaints()[0].find("MERCHANT_AUTH (environment): \"open\""), std::string::npos);
    EXPECT_NE(complaints()[0].find("give keys"), std::string::npos);
}

TEST_F(SettingsTest, AChoiceOfOnesOwnWinsOverTheEnvironmentsDefault) {
    inputs.environment = {{"ENVIRONMENT", "production"}, {"WEBHOOK_SECRET", "0123456789abcdef"},
                          {"LOG_LEVEL", "Debug"},        {"LOG_FORMAT", "console"},
                          {"DB_MIGRATE", "true"},        {"WEBHOOK_ALLOW_PRIVATE", "yes"}};
    const Settings settings = loaded().values;
    EXPECT_EQ(settings.log_level, telemetry::Level::Debug);
    EXPECT_EQ(settings.log_format, telemetry::Format::Console);
    EXPECT_TRUE(settings.database.migrate);
    EXPECT_TRUE(settings.webhooks.allow_private);
}

TEST_F(SettingsTest, SettingsThatDoNotFitTogetherAreRefused) {
    struct Case {
        std::map<std::string, std::string> environment;
        const char* complaint;
    };
    const std::vector<Case> cases = {
        {{{"GRPC_PORT", "8080"}}, "GRPC_PORT (environment) and HTTP_PORT (default) are both 8080"},
        {{{"TLS_CERT_FILE", "cert.pem"}}, "TLS_KEY_FILE is missing"},
        {{{"TLS_KEY_FILE", "key.pem"}}, "TLS_CERT_FILE is missing"},
        {{{"WEBHOOK_BACKOFF_MAX_MS", "500"}}, "is less than WEBHOOK_BACKOFF_BASE_MS"},
        {{{"FLORIN_ROLE", "api"}},
         "FLORIN_ROLE (environment): with \"api\" nobody does the work of "
         "the worker"},
        {{{"FLORIN_ROLE", "worker"}, {"AWS_EVENTS", "true"}}, "nobody does the work of the relay"},
        {{{"FLORIN_ROLE", "api,worker"}, {"MERCHANT_GATEWAY", "simulator"}},
         "SIMULATOR_URL is missing"}};
    for (const auto& [environment, complaint] : cases) {
        SCOPED_TRACE(complaint);
        inputs.environment = environment;
        ASSERT_EQ(complaints().size(), 1U);
        EXPECT_NE(complaints()[0].find(complaint), std::string::npos) << complaints()[0];
    }
}

TEST_F(SettingsTest, OneProcessMayLeaveOutAFaceAndTheSimulatorIsThenSomewhereElse) {
    inputs.environment = {{"FLORIN_ROLE", "api,worker"}};
    EXPECT_EQ(loaded().values.merchants.simulator_url, "");
    inputs.environment = {{"FLORIN_ROLE", "gateway,worker"}};
    EXPECT_EQ(loaded().values.merchants.simulator_url, "http://localhost:8030");
    inputs.environment = {{"FLORIN_ROLE", "api"}, {"DB_URL", "mariadb://florin@localhost/florin"}};
    EXPECT_EQ(loaded().values.roles, (Roles{Role::Api})) << "the work is done by another process";
    inputs.environment = {{"FLORIN_ROLE", "reservation-worker"}};
    EXPECT_TRUE(loaded().values.roles.has(Role::ReservationWorker));
}

TEST_F(SettingsTest, BusinessDaysBeginAndAreSettledWhereTheyAreToldTo) {
    inputs.environment = {{"SETTLEMENT_UTC_OFFSET_MINUTES", "-210"}, {"SETTLEMENT_AT", "03:05"}};
    const auto settlement = loaded().values.settlement;
    EXPECT_EQ(settlement.utc_offset, std::chrono::minutes(-210));
    EXPECT_EQ(settlement.at, std::chrono::minutes(185));
    for (const char* wrong : {"24:00", "3:05", "03:60", "03.05", "noon"}) {
        inputs.environment = {{"SETTLEMENT_AT", wrong}};
        EXPECT_EQ(complaints().size(), 1U) << wrong;
    }
    for (const char* wrong : {"-721", "841", "KST", "+9"}) {
        inputs.environment = {{"SETTLEMENT_UTC_OFFSET_MINUTES", wrong}};
        EXPECT_EQ(complaints().size(), 1U) << wrong;
    }
}

TEST_F(SettingsTest, AnyPortMayBeChosenByTheSystem) {
    inputs.environment = {{"GRPC_PORT", "0"}, {"HEALTH_PORT", "0"}, {"HTTP_PORT", "0"}};
    EXPECT_EQ(loaded().values.server.http_port, 0);
}

TEST_F(SettingsTest, ThePublicAddressFollowsThePortAndTls) {
    inputs.environment = {{"HTTP_PORT", "9443"}};
    EXPECT_EQ(loaded().values.server.public_url, "http://localhost:9443");
    inputs.environment["TLS_CERT_FILE"] = "cert.pem";
    inputs.environment["TLS_KEY_FILE"] = "key.pem";
    EXPECT_EQ(loaded().values.server.public_url, "https://localhost:9443");
}

TEST_F(SettingsTest, ThePublicAddressLosesItsLastSlash) {
    inputs.environment = {{"PUBLIC_URL", "https://pay.example.com/shop/"}};
    EXPECT_EQ(loaded().values.server.public_url, "https://pay.example.com/shop");
}

TEST_F(SettingsTest, DescriptionsShowValuesAndSourcesButNoSecret) {
    inputs.environment = {{"WEBHOOK_SECRET", "do-not-show-me"},
                          {"ADMIN_TOKEN", "nor-me"},
                          {"AWS_SECRET_ACCESS_KEY", "nor-that"},
                          {"GRPC_PORT", "9004"}};
    for (const auto form : {ConfigForm::Table, ConfigForm::Json}) {
        const std::string text = describe_settings(loaded(), form);
        EXPECT_NE(text.find("9004"), std::string::npos);
        EXPECT_NE(text.find("********"), std::string::npos);
        for (const char* secret : {"do-not-show-me", "nor-me", "nor-that"}) {
            EXPECT_EQ(text.find(secret), std::string::npos) << text;
        }
    }
}

TEST_F(SettingsTest, AnAccessKeyIsShownInPartOnly) {
    inputs.environment = {{"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"}};
    const std::string text = describe_settings(loaded(), ConfigForm::Table);
    EXPECT_NE(text.find("AKIA********MPLE"), std::string::npos) << text;
    EXPECT_EQ(text.find("IOSFODNN"), std::string::npos) << text;
    inputs.environment = {{"AWS_ACCESS_KEY_ID", "AKIAshort"}};
    EXPECT_EQ(describe_settings(loaded(), ConfigForm::Table).find("AKIA"), std::string::npos);
}

TEST_F(SettingsTest, AnEventBusThatAwsWouldRefuseIsRefusedAtStart) {
    inputs.environment = {{"EVENT_BUS_NAME", "two words"}};
    EXPECT_TRUE(complaints().empty()) << "nothing is sent there";
    inputs.environment["AWS_EVENTS"] = "true";
    ASSERT_EQ(complaints().size(), 1U);
    EXPECT_TRUE(complaints()[0].starts_with(
        "EVENT_BUS_NAME (environment): \"two words\" names no event bus; give a name"))
        << complaints()[0];
    inputs.environment["EVENT_BUS_NAME"] =
        "arn:aws:events:ap-northeast-2:123456789012:event-bus/orders";
    EXPECT_TRUE(complaints().empty());
}

TEST_F(SettingsTest, AProfileIsChosenWhenSomebodyNamesAnotherThanTheTemplateDoes) {
    EXPECT_FALSE(loaded().values.aws.profile_chosen);
    inputs.environment = {{"AWS_PROFILE", ""}};
    EXPECT_FALSE(loaded().values.aws.profile_chosen);
    inputs.environment = {{"AWS_PROFILE", "tacos"}};
    EXPECT_FALSE(loaded().values.aws.profile_chosen);
    inputs.environment = {{"AWS_PROFILE", "orders"}};
    EXPECT_TRUE(loaded().values.aws.profile_chosen);
}

TEST_F(SettingsTest, VariablesThatAreNoSettingsMayStandInTheEnvFilesToo) {
    write(".env", "FLORIN_TEST_A=1\nFLORIN_TEST_B=1\nPATH=/nowhere\n");
    write(".env.local", "FLORIN_TEST_B=2\nFLORIN_TEST_B=3\n");
    const auto variables = environment_here(inputs.folder);
    EXPECT_EQ(variables.at("FLORIN_TEST_A"), "1");
    EXPECT_EQ(variables.at("FLORIN_TEST_B"), "3") << "the stronger file, and its last line";
    EXPECT_NE(variables.at("PATH"), "/nowhere");
}

TEST_F(SettingsTest, AHoldIsNotLongerThanTheLongest) {
    inputs.environment = {{"RESERVATION_HOLD_SECONDS", "600"},
                          {"RESERVATION_HOLD_SECONDS_MAX", "300"}};
    const auto said = complaints();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("give at least 600"), std::string::npos) << said[0];
}

TEST(SettingTable, FlagsAndKeysFollowTheName) {
    const auto& table = setting_table();
    const auto found = std::ranges::find(table, "WEBHOOK_BACKOFF_BASE_MS", &Setting::name);
    ASSERT_NE(found, table.end());
    EXPECT_EQ(found->flag(), "--webhook-backoff-base-ms");
    EXPECT_EQ(found->key(), "webhook_backoff_base_ms");
    const auto role = std::ranges::find(table, "FLORIN_ROLE", &Setting::name);
    ASSERT_NE(role, table.end());
    EXPECT_EQ(role->flag(), "--role");
    EXPECT_EQ(role->key(), "role");
}

}  // namespace
}  // namespace florin::app
