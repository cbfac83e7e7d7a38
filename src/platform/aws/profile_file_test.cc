#include "platform/aws/profile_file.h"

#include <gtest/gtest.h>

namespace florin::aws {
namespace {

TEST(ProfileFile, SectionsOfTheCredentialsFileAreProfiles) {
    Profiles profiles;
    add_profiles(profiles,
                 "# who we are\n[default]\naws_access_key_id = AKIA1\n"
                 "aws_secret_access_key=s1 # ours\n\n[tacos]\r\nAWS_Access_Key_Id=AKIA2\r\n",
                 ProfileFile::Credentials);
    EXPECT_EQ(value_of(profiles["default"], "aws_access_key_id"), "AKIA1");
    EXPECT_EQ(value_of(profiles["default"], "aws_secret_access_key"), "s1");
    EXPECT_EQ(value_of(profiles["tacos"], "aws_access_key_id"), "AKIA2");
    EXPECT_EQ(value_of(profiles["tacos"], "region"), "");
}

TEST(ProfileFile, TheConfigFileSaysProfileBeforeAllButTheDefault) {
    Profiles profiles;
    add_profiles(profiles,
                 "[default]\nregion=us-east-1\n[profile  tacos]\nregion=ap-northeast-2\n"
                 "[tacos]\nregion=wrong\n[sso-session tacos]\nregion=wrong\n[profiles x]\n",
                 ProfileFile::Config);
    EXPECT_EQ(profiles.size(), 2U);
    EXPECT_EQ(value_of(profiles["tacos"], "region"), "ap-northeast-2");
}

TEST(ProfileFile, WhatWasReadFirstWins) {
    Profiles profiles;
    add_profiles(profiles, "[tacos]\naws_access_key_id=first\n", ProfileFile::Credentials);
    add_profiles(profiles, "[profile tacos]\naws_access_key_id=second\nrole_arn=arn:x\n",
                 ProfileFile::Config);
    EXPECT_EQ(value_of(profiles["tacos"], "aws_access_key_id"), "first");
    EXPECT_EQ(value_of(profiles["tacos"], "role_arn"), "arn:x");
}

TEST(ProfileFile, WhatItDoesNotUnderstandIsPassedOver) {
    Profiles profiles;
    add_profiles(profiles,
                 "stray=1\n[broken\nkey=1\n[tacos]\nno equals sign\ns3 =\n  max=10\n;comment\n"
                 "aws_secret_access_key=a=b#c",
                 ProfileFile::Credentials);
    EXPECT_EQ(profiles.size(), 1U);
    EXPECT_EQ(value_of(profiles["tacos"], "max"), "");
    EXPECT_EQ(value_of(profiles["tacos"], "aws_secret_access_key"), "a=b#c");
}

}  // namespace
}  // namespace florin::aws
