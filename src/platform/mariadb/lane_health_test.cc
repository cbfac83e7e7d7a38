#include "platform/mariadb/lane_health.h"

#include <gtest/gtest.h>

namespace florin::mariadb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Proof = LaneHealth::Proof;

const Failure outage{.reason = "no server"};
const Failure full{.reason = "no space", .cause = Failure::Cause::NoSpace};

class LaneHealthTest : public testing::Test {
protected:
    /// Fails for want of space as soon as that may be tried; how long it rests then.
    milliseconds fail_again() {
        now += health.rest_left(now);
        health.failed(full, now);
        return health.rest_left(now);
    }

    LaneHealth health;
    LaneHealth::Time now{seconds(1'000)};
};

TEST_F(LaneHealthTest, AnOutageEndsWithTheFirstSuccessAndNeedsNoRest) {
    EXPECT_EQ(health.fault(), "");
    health.failed(outage, now);
    EXPECT_TRUE(health.failing());
    EXPECT_EQ(health.fault(), "no server");
    EXPECT_EQ(health.rest_left(now), milliseconds(0));
    health.stored(Proof::NothingNew, now);
    EXPECT_FALSE(health.failing());
    EXPECT_EQ(health.fault(), "");
}

TEST_F(LaneHealthTest, AFullDiskIsLeftAloneForMomentsThatGrowUpToABound) {
    EXPECT_EQ(fail_again(), milliseconds(250));
    EXPECT_EQ(fail_again(), milliseconds(500));
    for (int failures = 0; failures < 10; ++failures) fail_again();
    EXPECT_EQ(fail_again(), milliseconds(4'000));
    now += milliseconds(3'999);
    EXPECT_EQ(health.rest_left(now), milliseconds(1));
}

TEST_F(LaneHealthTest, AfterAFullDiskOnlyNewRowsProveThatThereIsSpace) {
    health.failed(full, now);
    health.stored(Proof::NothingNew, now + seconds(1));
    EXPECT_TRUE(health.lacks_space());
    EXPECT_EQ(health.fault(), "no space");
    health.stored(Proof::NewRows, now + seconds(1));
    EXPECT_FALSE(health.failing());
}

TEST_F(LaneHealthTest, WithoutNewRowsAFullDiskIsForgottenAfterAQuietWhile) {
    health.failed(full, now);
    health.stored(Proof::NothingNew, now + seconds(10));
    EXPECT_FALSE(health.failing());
}

TEST_F(LaneHealthTest, RestsGoOnGrowingWhenSpaceWasThereForOnlyAMoment) {
    fail_again();
    fail_again();
    health.stored(Proof::NewRows, now);
    EXPECT_EQ(fail_again(), milliseconds(1'000));
    now += seconds(60);
    health.stored(Proof::NewRows, now);
    EXPECT_EQ(fail_again(), milliseconds(250));
}

TEST_F(LaneHealthTest, AServerThatIsGoneAfterItsDiskWasFullNeedsNoRest) {
    health.failed(full, now);
    health.failed(outage, now);
    EXPECT_FALSE(health.lacks_space());
    EXPECT_EQ(health.rest_left(now), milliseconds(0));
}

}  // namespace
}  // namespace florin::mariadb
