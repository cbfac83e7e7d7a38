// What the settings say of a database, and what the doctor says of a server.
#include <gtest/gtest.h>

#include "app/database_address.h"
#include "app/doctor_database.h"
#include "app/load_settings.h"

namespace florin::app {
namespace {

using mariadb::Tls;

std::optional<mariadb::Address> address_of(std::map<std::string, std::string> environment) {
    SettingInputs inputs;
    inputs.folder = "/nonexistent";
    inputs.environment = std::move(environment);
    const auto loaded = load_settings(inputs);
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().front());
    return loaded ? database_address(loaded->values) : std::nullopt;
}

std::vector<std::string> complaints_about(std::map<std::string, std::string> environment) {
    SettingInputs inputs;
    inputs.folder = "/nonexistent";
    inputs.environment = std::move(environment);
    const auto loaded = load_settings(inputs);
    return loaded ? std::vector<std::string>() : loaded.error();
}

TEST(DatabaseSettings, NameNoMariadbUnlessTheyAreAsked) {
    EXPECT_FALSE(address_of({}));
    EXPECT_FALSE(address_of({{"DB_USERNAME", "admin"}, {"DB_PASSWORD", "x"}, {"DB_PORT", "3307"}}));
}

TEST(DatabaseSettings, SayAnAddressWholeOrInParts) {
    const auto whole = address_of({{"DB_URL", "mariadb://shop:s%40fe@db.example:3310/pay"}});
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->text(), "db.example:3310/pay");
    EXPECT_EQ(whole->password, "s@fe");
    EXPECT_EQ(whole->tls, Tls::Required) << "another machine";
    const auto parts = address_of({{"PAYMENT_DB_HOST", "127.0.0.1"},
                                   {"PAYMENT_DB_PORT", "13306"},
                                   {"PAYMENT_DB_NAME", "paydb"},
                                   {"PAYMENT_DB_USER", "payuser"},
                                   {"PAYMENT_DB_PASSWORD", "paypass"}});
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->text(), "127.0.0.1:13306/paydb");
    EXPECT_EQ(parts->user, "payuser");
    EXPECT_EQ(parts->password, "paypass");
    EXPECT_EQ(parts->tls, Tls::Off) << "this machine";
}

TEST(DatabaseSettings, APasswordMayStandBesideTheUrl) {
    const auto address = address_of({{"DB_URL", "mariadb://shop@db.example/pay?tls=verify"},
                                     {"DB_PASSWORD", "from a secret"},
                                     {"DB_CA_FILE", "/etc/roots.pem"}});
    ASSERT_TRUE(address);
    EXPECT_EQ(address->password, "from a secret");
    EXPECT_EQ(address->ca, "/etc/roots.pem");
}

TEST(DatabaseSettings, ProductionRefusesAnOpenWayToAnotherMachine) {
    std::map<std::string, std::string> production{
        {"ENVIRONMENT", "production"},
        {"WEBHOOK_SECRET", "0123456789abcdef"},
        {"DB_URL", "mariadb://shop:hidden@db.example/pay?tls=off"}};
    const auto complaints = complaints_about(production);
    ASSERT_EQ(complaints.size(), 1U);
    EXPECT_NE(complaints[0].find("unencrypted"), std::string::npos) << complaints[0];
    EXPECT_EQ(complaints[0].find("hidden"), std::string::npos) << complaints[0];
    production["DB_TLS"] = "off";
    EXPECT_TRUE(complaints_about(production).empty()) << "it was said twice";
    production.erase("DB_TLS");
    production["DB_URL"] = "mariadb://shop:hidden@localhost/pay";
    EXPECT_TRUE(complaints_about(production).empty()) << "this machine";
}

TEST(DatabaseSettings, SayWhatIsWrongWithoutTheSecret) {
    const auto complaints = complaints_about({{"DB_URL", "mysql://shop:hidden@db.example/pay"}});
    ASSERT_EQ(complaints.size(), 1U);
    EXPECT_NE(complaints[0].find("DB_URL"), std::string::npos) << complaints[0];
    EXPECT_NE(complaints[0].find("mariadb://"), std::string::npos) << complaints[0];
    EXPECT_EQ(complaints[0].find("hidden"), std::string::npos) << complaints[0];
    EXPECT_EQ(complaints_about({{"DB_HOST", "db.example"}, {"EPHEMERAL", "true"}}).size(), 1U);
    EXPECT_EQ(complaints_about({{"DB_HOST", "db"}, {"DB_CA_FILE", "/etc/roots.pem"}}).size(), 1U);
}

TEST(DatabaseDoctor, KnowsWhoAppliesMigrations) {
    Settings settings;
    EXPECT_EQ(judge_schema(settings, {"0001_gateway.sql"}).verdict, Finding::Verdict::Fine);
    settings.database.migrate = false;
    EXPECT_EQ(judge_schema(settings, {}).verdict, Finding::Verdict::Fine);
    const auto refused = judge_schema(settings, {"0001_gateway.sql"});
    EXPECT_EQ(refused.verdict, Finding::Verdict::Problem);
    EXPECT_NE(refused.remedy.find("`florin migrate`"), std::string::npos);
    EXPECT_NE(refused.remedy.find("not the right one"), std::string::npos);
}

TEST(DatabaseDoctor, WarnsOfCommitsThatAPowerCutTakesAndOfTriggersItMayNotMake) {
    mariadb::ServerFacts facts{
        .version = "10.11", .binary_log = true, .trusts_triggers = true, .syncs_each_commit = true};
    EXPECT_TRUE(judge_server(facts, true).empty());
    facts.syncs_each_commit = false;
    ASSERT_EQ(judge_server(facts, true).size(), 1U);
    EXPECT_NE(judge_server(facts, true)[0].remedy.find("innodb_flush_log_at_trx_commit"),
              std::string::npos);
    facts.syncs_each_commit = true;
    facts.trusts_triggers = false;
    ASSERT_EQ(judge_server(facts, true).size(), 1U);
    EXPECT_NE(judge_server(facts, true)[0].remedy.find("log_bin_trust_function_creators"),
              std::string::npos);
    EXPECT_TRUE(judge_server(facts, false).empty()) << "there are none to make";
}

}  // namespace
}  // namespace florin::app
