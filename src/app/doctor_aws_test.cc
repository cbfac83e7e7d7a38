#include "app/doctor_aws.h"

#include <fstream>

#include <gtest/gtest.h>

#include "app/settings.h"
#include "platform/store/store_test_support.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

class DoctorAwsTest : public ::testing::Test {
protected:
    DoctorAwsTest() {
        settings.aws.events = true;
        environment["HOME"] = folder.file().parent_path().string();
    }
    Finding credentials() { return judge_aws(settings, environment).front(); }
    Finding last() { return judge_aws(settings, environment).back(); }

    store::TestFolder folder;
    Settings settings;
    Environ environment;
};

TEST_F(DoctorAwsTest, WhoDoesNotUseAwsHearsNothingOfIt) {
    settings.aws.events = false;
    EXPECT_TRUE(judge_aws(settings, environment).empty());
    settings.aws.queue_url = "https://sqs.ap-northeast-2.amazonaws.com/YOUR_ACCOUNT_ID/orders";
    EXPECT_TRUE(judge_aws(settings, environment).empty());
}

TEST_F(DoctorAwsTest, ItSaysWhereCredentialsComeFrom) {
    EXPECT_EQ(credentials().verdict, Verdict::Warning);
    environment["AWS_ROLE_ARN"] = "arn:x";
    environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/no/such/file";
    EXPECT_EQ(credentials().verdict, Verdict::Problem);
    const std::string keys = folder.file().string();
    std::ofstream(keys) << "[tacos]\naws_access_key_id=a\naws_secret_access_key=b\n";
    environment["AWS_SHARED_CREDENTIALS_FILE"] = keys;
    EXPECT_EQ(credentials().text, "AWS credentials are those of the profile tacos");
    settings.aws.access_key_id = "AKIA";
    EXPECT_EQ(credentials().verdict, Verdict::Problem) << "half a pair";
    settings.aws.secret_access_key = "s";
    EXPECT_EQ(credentials().text, "AWS credentials are those of AWS_ACCESS_KEY_ID");
}

TEST_F(DoctorAwsTest, AProfileThatSomebodyHasChosenHasToBeThere) {
    const std::string keys = folder.file().string();
    std::ofstream(keys) << "[default]\naws_access_key_id=a\naws_secret_access_key=b\n";
    environment["AWS_SHARED_CREDENTIALS_FILE"] = keys;
    EXPECT_EQ(credentials().text, "AWS credentials are those of the profile default");
    settings.aws.profile_chosen = true;
    EXPECT_EQ(credentials().verdict, Verdict::Problem);
    EXPECT_TRUE(credentials().text.starts_with("AWS_PROFILE names tacos, which " + keys));
}

TEST_F(DoctorAwsTest, AQueueHasToBeInOurRegion) {
    settings.aws.queue_url = "https://sqs.ap-northeast-2.amazonaws.com/1/orders";
    EXPECT_EQ(judge_aws(settings, environment).size(), 1U);
    settings.aws.region = "eu-west-1";
    EXPECT_EQ(last().text, "PAYMENT_WEBHOOK_QUEUE_URL is not in the region eu-west-1");
    settings.aws.queue_url = "http://localhost:4566/1/orders";
    EXPECT_EQ(judge_aws(settings, environment).size(), 1U);
    settings.aws.queue_url = "orders";
    EXPECT_EQ(last().verdict, Verdict::Problem);
}

TEST_F(DoctorAwsTest, AnEndpointHasToBeAUrl) {
    settings.aws.endpoint_url = "localhost:4566";
    EXPECT_EQ(last().text, "AWS_ENDPOINT_URL \"localhost:4566\" is no URL");
}

}  // namespace
}  // namespace florin::app
