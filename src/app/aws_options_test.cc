#include "app/aws_options.h"

#include <gtest/gtest.h>

#include "app/settings.h"

namespace florin::app {
namespace {

TEST(AwsOptions, TheFilesAreWhereAwssToolsKeepThem) {
    const auto options = credential_options({}, {{"HOME", "/home/kim"}});
    EXPECT_EQ(options.credentials_file, "/home/kim/.aws/credentials");
    EXPECT_EQ(options.config_file, "/home/kim/.aws/config");
    EXPECT_EQ(options.profile, "tacos");
    EXPECT_EQ(options.metadata_endpoint, "http://169.254.169.254");
    EXPECT_EQ(options.role.sts_endpoint, "https://sts.ap-northeast-2.amazonaws.com/");
    EXPECT_EQ(options.role.session_name, "florin");
}

TEST(AwsOptions, TheVariablesOfAwssToolsAreHonoured) {
    const auto options =
        credential_options({}, {{"AWS_SHARED_CREDENTIALS_FILE", "/keys"},
                                {"AWS_CONFIG_FILE", "/config"},
                                {"AWS_ROLE_ARN", "arn:x"},
                                {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/creds"},
                                {"AWS_EC2_METADATA_DISABLED", "true"},
                                {"AWS_ENDPOINT_URL_STS", "http://localhost:4566"}});
    EXPECT_EQ(options.credentials_file, "/keys");
    EXPECT_EQ(options.config_file, "/config");
    EXPECT_EQ(options.role.role_arn, "arn:x");
    EXPECT_EQ(options.web_identity_token_file, "/token");
    EXPECT_EQ(options.container.uri, "http://169.254.170.2/v2/creds");
    EXPECT_EQ(options.metadata_endpoint, "");
    EXPECT_EQ(options.role.sts_endpoint, "http://localhost:4566");
}

TEST(AwsOptions, AServicesOwnEndpointWinsOverTheCommonOne) {
    Settings settings;
    settings.aws.endpoint_url = "http://localhost:4566";
    const Environ environment{{"AWS_ENDPOINT_URL_SQS", "http://localhost:9324"}};
    EXPECT_EQ(aws_client_options(settings, environment, "AWS_ENDPOINT_URL_SQS").endpoint_url,
              "http://localhost:9324");
    EXPECT_EQ(
        aws_client_options(settings, environment, "AWS_ENDPOINT_URL_EVENTBRIDGE").endpoint_url,
        "http://localhost:4566");
}

}  // namespace
}  // namespace florin::app
