#include "platform/aws/credential_chain.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/aws/signature.h"
#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"

namespace florin::aws {
namespace {

constexpr const char* json_answer =
    R"({"Code":"Success","AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t",)"
    R"("Expiration":"2023-11-14T23:13:20Z"})";
constexpr const char* sts_answer =
    "<AssumeRoleResponse><Credentials><AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2023-11-14T23:13:20Z</Expiration>"
    "</Credentials></AssumeRoleResponse>";

class CredentialChainTest : public ::testing::Test {
protected:
    CredentialChainTest() {
        options.profile = "tacos";
        options.credentials_file = path("credentials");
        options.config_file = path("config");
        options.role = {aws.url(), "ap-northeast-2", "", "florin", ""};
    }
    std::string path(const std::string& name) {
        return (folder.file().parent_path() / name).string();
    }
    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(path(name)) << text;
        return path(name);
    }
    std::expected<Credentials, std::string> get(CredentialChain& chain) {
        return runtime::result_of(loop, chain.get());
    }
    std::expected<Credentials, std::string> get() {
        CredentialChain chain(http, time, options);
        return get(chain);
    }
    std::string key() {
        const auto credentials = get();
        return credentials ? credentials->access_key_id : credentials.error();
    }
    /// How many of so many who ask at once get credentials; `errors` has what the others are told.
    int together(CredentialChain& chain, std::size_t askers) {
        std::vector<std::optional<std::expected<Credentials, std::string>>> answers(askers);
        for (auto& answer : answers)
            runtime::spawn(loop, "ask", runtime::keep_result(chain.get(), answer));
        EXPECT_TRUE(runtime::result_of(loop, store::eventually([&answers] {
                                           return std::ranges::all_of(answers, [](const auto& one) {
                                               return one.has_value();
                                           });
                                       })));
        int served = 0;
        for (const auto& answer : answers) {
            if (!answer) continue;
            if (*answer) ++served;
            if (!*answer) errors.insert(answer->error());
        }
        return served;
    }
    void answer_with(std::string body, unsigned status = 200) {
        aws.answer = [body, status](const http::Request&) { return http::json(status, body); };
    }

    store::TestFolder folder;
    runtime::Loop loop{"aws test"};
    ManualClock clock;  // 2023-11-14T22:13:20Z: an hour before the answers expire
    ServiceClock time{clock};
    http::Client http{loop, {}};
    testing::FakeEndpoint aws{loop};
    CredentialOptions options;
    std::set<std::string> errors;
};

TEST_F(CredentialChainTest, WhatIsGivenComesFirst) {
    options.given = {.access_key_id = "AKIA0", .secret_access_key = "s", .session_token = "t"};
    write("credentials", "[tacos]\naws_access_key_id=AKIA1\naws_secret_access_key=s\n");
    EXPECT_EQ(key(), "AKIA0");
    options.given.secret_access_key = "";
    EXPECT_EQ(key(), "AKIA1") << "half a pair is none";
}

TEST_F(CredentialChainTest, TheProfileIsTakenFromEitherFileElseTheDefault) {
    write("config",
          "[profile tacos]\naws_access_key_id=AKIA2\naws_secret_access_key=s\n"
          "[default]\naws_access_key_id=AKIA3\naws_secret_access_key=s\n");
    EXPECT_EQ(key(), "AKIA2");
    options.profile = "burritos";
    EXPECT_EQ(key(), "AKIA3");
}

TEST_F(CredentialChainTest, AWebIdentityIsExchangedForARole) {
    options.role.role_arn = "arn:aws:iam::1:role/florin";
    options.web_identity_token_file = write("token", "a.b+c\n");
    answer_with(sts_answer);
    const auto credentials = get();
    ASSERT_TRUE(credentials) << credentials.error();
    EXPECT_EQ(credentials->access_key_id, "ASIA2");
    EXPECT_EQ(credentials->session_token, "t");
    EXPECT_EQ(aws.requests.front().body,
              "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1"
              "%3Arole%2Fflorin&RoleSessionName=florin&WebIdentityToken=a.b%2Bc");
    EXPECT_EQ(aws.requests.front().headers.get("Authorization"), "");
}

TEST_F(CredentialChainTest, AWebIdentityThatIsRefusedEndsTheSearch) {
    options.role.role_arn = "arn:aws:iam::1:role/florin";
    options.web_identity_token_file = write("token", "x");
    options.container.uri = aws.url() + "/container";
    answer_with("<Error><Code>AccessDenied</Code><Message>not yours</Message></Error>", 403);
    EXPECT_EQ(key(), aws.url() + " answered 403 AccessDenied: not yours");
    EXPECT_EQ(aws.requests.size(), 1U);
}

TEST_F(CredentialChainTest, ARoleOfAProfileIsTakenWithTheKeysOfItsSource) {
    write("credentials", "[base]\naws_access_key_id=AKIA1\naws_secret_access_key=s\n");
    write("config", "[profile tacos]\nrole_arn=arn:x\nsource_profile=base\nexternal_id=e 1\n");
    answer_with(sts_answer);
    EXPECT_EQ(key(), "ASIA2");
    EXPECT_TRUE(aws.requests.front().body.ends_with("&ExternalId=e%201"));
    EXPECT_TRUE(aws.requests.front()
                    .headers.get("Authorization")
                    .starts_with("AWS4-HMAC-SHA256 Credential=AKIA1/20231114/ap-northeast-2/sts/"));
}

TEST_F(CredentialChainTest, AProfileThatWantsAnotherProgramSaysSo) {
    write("config", "[profile tacos]\ncredential_process=/bin/keys\n");
    EXPECT_NE(key().find("credential_process"), std::string::npos);
}

TEST_F(CredentialChainTest, AContainerIsAskedWithItsToken) {
    options.container = {aws.url() + "/v1/credentials", "", write("token", "secret\n")};
    answer_with(json_answer);
    EXPECT_EQ(key(), "ASIA1");
    EXPECT_EQ(aws.requests.front().headers.get("Authorization"), "secret");
    for (const char* host : {"example.com", "127.example.com", "127.0.0.1.example.com",
                             "169.254.170.20", "[fd00:ec2::24]"}) {
        options.container.uri = std::string("http://") + host + "/credentials";
        EXPECT_NE(key().find("over plain HTTP"), std::string::npos) << host;
    }
}

TEST_F(CredentialChainTest, AnInstanceIsAskedWithATokenOfTheMetadataService) {
    options.metadata_endpoint = aws.url();
    aws.answer = [](const http::Request& request) {
        if (request.method == "PUT") return http::json(200, "metadata-token");
        const bool role = request.path.ends_with("/florin-role");
        return http::json(200, role ? json_answer : "florin-role\n");
    };
    EXPECT_EQ(key(), "ASIA1");
    ASSERT_EQ(aws.requests.size(), 3U);
    EXPECT_EQ(aws.requests[2].headers.get("X-aws-ec2-metadata-token"), "metadata-token");
}

TEST_F(CredentialChainTest, WithNothingAtAllItSaysWhereItLooked) {
    const std::string error = key();
    for (const char* place : {"AWS_ACCESS_KEY_ID", "\"tacos\"", "AWS_WEB_IDENTITY_TOKEN_FILE"})
        EXPECT_NE(error.find(place), std::string::npos) << error;
}

TEST_F(CredentialChainTest, CredentialsAreKeptAndRenewedBeforeTheyExpire) {
    options.container.uri = aws.url();
    answer_with(json_answer);
    CredentialChain chain(http, time, options);
    ASSERT_TRUE(get(chain));
    clock.advance(std::chrono::minutes(54));
    ASSERT_TRUE(get(chain));
    EXPECT_EQ(aws.requests.size(), 1U);
    clock.advance(std::chrono::minutes(2));
    ASSERT_TRUE(get(chain));
    EXPECT_EQ(aws.requests.size(), 2U);
}

TEST_F(CredentialChainTest, OldCredentialsServeUntilTheyExpireWhenTheyCannotBeRenewed) {
    options.container.uri = aws.url();
    answer_with(json_answer);
    CredentialChain chain(http, time, options);
    ASSERT_TRUE(get(chain));
    answer_with("gone", 500);
    clock.advance(std::chrono::minutes(58));
    EXPECT_TRUE(get(chain));
    clock.advance(std::chrono::minutes(2));
    EXPECT_FALSE(get(chain));
}

TEST_F(CredentialChainTest, ManyWhoAskAtOnceAreServedByOneQuestionWhateverTheClockSays) {
    options.container.uri = aws.url();
    answer_with(json_answer);
    for (const auto later : {std::chrono::hours(0), std::chrono::hours(2)}) {
        clock.advance(later);  // two hours on, by it, what is handed out has expired
        aws.requests.clear();
        CredentialChain chain(http, time, options);
        EXPECT_EQ(together(chain, 5), 5);
        EXPECT_EQ(aws.requests.size(), 1U);
    }
}

TEST_F(CredentialChainTest, WhatAwsHasRefusedIsAskedForAgain) {
    options.container.uri = aws.url();
    answer_with(json_answer);
    CredentialChain chain(http, time, options);
    ASSERT_TRUE(get(chain));
    chain.forget();
    ASSERT_TRUE(get(chain));
    EXPECT_EQ(aws.requests.size(), 2U);
}

TEST_F(CredentialChainTest, AnswersThatMakeNoSenseAreNoCredentials) {
    for (const char* text : {"", "[]", "{}", R"({"AccessKeyId":1})",
                             R"({"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"soon"})"})
        EXPECT_FALSE(read_json_answer(text)) << text;
    EXPECT_FALSE(read_sts_answer("<AccessKeyId>a"));
    EXPECT_FALSE(read_sts_answer("<AccessKeyId>a</AccessKeyId>"));
}

TEST_F(CredentialChainTest, ALoopMayDieWithAQuestionUnderWayAndOthersWaiting) {
    options.container.uri = aws.url();  // whose loop does not run: nobody answers
    auto dying = std::make_unique<runtime::Loop>("dying");
    auto client = std::make_unique<http::Client>(*dying, http::ClientOptions());
    auto chain = std::make_unique<CredentialChain>(*client, time, options);
    std::optional<std::expected<Credentials, std::string>> answer;
    for (int i = 0; i < 3; ++i)
        runtime::spawn(*dying, "ask", runtime::keep_result(chain->get(), answer));
    runtime::run_until_done(*dying, runtime::sleep_for(Milliseconds(1)));
    chain.reset();
    client.reset();
    dying.reset();
    EXPECT_FALSE(answer);
}

TEST_F(CredentialChainTest, ThoseWhoWaitAreToldWhyThereAreNone) {
    options.container.uri = aws.url();
    answer_with("gone", 500);
    CredentialChain chain(http, time, options);
    EXPECT_EQ(together(chain, 5), 0);
    EXPECT_EQ(errors, (std::set<std::string>{aws.url() + " answered 500"}));
}

TEST_F(CredentialChainTest, WhoeverCannotRenewThemIsLeftAloneForAWhile) {
    options.container.uri = aws.url();
    answer_with(json_answer);
    CredentialChain chain(http, time, options);
    ASSERT_TRUE(get(chain));
    answer_with("gone", 500);
    clock.advance(std::chrono::minutes(56));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(get(chain));
    EXPECT_EQ(aws.requests.size(), 2U);
    clock.advance(Seconds(20));
    ASSERT_TRUE(get(chain));
    EXPECT_EQ(aws.requests.size(), 3U);
}

TEST_F(CredentialChainTest, AProfileThatSomebodyHasChosenIsNotReplacedByTheDefault) {
    write("config", "[default]\naws_access_key_id=AKIA3\naws_secret_access_key=s\n");
    options.container.uri = aws.url();
    answer_with(json_answer);
    EXPECT_EQ(key(), "AKIA3");
    options.profile_chosen = true;
    EXPECT_NE(key().find("no profile \"tacos\", which AWS_PROFILE names"), std::string::npos);
    EXPECT_TRUE(aws.requests.empty());
}

TEST_F(CredentialChainTest, StsCorrectsAClockThatIsWrong) {
    write("credentials", "[base]\naws_access_key_id=AKIA1\naws_secret_access_key=s\n");
    write("config", "[profile tacos]\nrole_arn=arn:x\nsource_profile=base\n");
    aws.answer = [this](const http::Request&) {
        const char* const error = "<Error><Code>SignatureDoesNotMatch</Code></Error>";
        return aws.requests.size() == 1 ? http::json(403, error) : http::json(200, sts_answer);
    };
    const std::string began = amz_date(SystemClock().now() - std::chrono::minutes(1));
    EXPECT_EQ(key(), "ASIA2");
    ASSERT_EQ(aws.requests.size(), 2U);
    EXPECT_EQ(aws.requests[0].headers.get("X-Amz-Date"), amz_date(clock.now()));
    EXPECT_GE(aws.requests[1].headers.get("X-Amz-Date"), began);
    EXPECT_EQ(key(), "ASIA2");
    EXPECT_EQ(aws.requests.size(), 3U) << "the next one knows the time";
}

TEST_F(CredentialChainTest, AWrongSecretIsNotTakenForAWrongClockBySts) {
    clock.set(SystemClock().now());
    write("credentials", "[base]\naws_access_key_id=AKIA1\naws_secret_access_key=s\n");
    write("config", "[profile tacos]\nrole_arn=arn:x\nsource_profile=base\n");
    answer_with("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403);
    EXPECT_EQ(key(), aws.url() + " answered 403 SignatureDoesNotMatch");
    EXPECT_EQ(aws.requests.size(), 1U);
}

}  // namespace
}  // namespace florin::aws
