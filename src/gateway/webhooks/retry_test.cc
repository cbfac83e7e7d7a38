#include "gateway/webhooks/retry.h"

#include <gtest/gtest.h>

namespace florin::gateway {
namespace {

const Instant now = instant_from_unix_us(784'111'777'000'000);  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryAfter, TakesSecondsAndDates) {
    EXPECT_EQ(parse_retry_after("120", now), Seconds(120));
    EXPECT_EQ(parse_retry_after("0", now), Seconds(0));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), Seconds(60));
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Seconds(0));
    for (const char* text : {"", "-1", "soon", "1.5", "Sun, 99 Nov 1994 08:50:37 GMT",
                             "Sun, 06 Nov 1994 08:50:37 KST"}) {
        EXPECT_FALSE(parse_retry_after(text, now)) << text;
    }
}

TEST(NextAttempt, BacksOffExponentiallyWithJitterUpToItsLimit) {
    Random random(1);
    const RetryPolicy policy{20, Milliseconds(1'000), Milliseconds(10'000), Milliseconds(120'000)};
    for (const auto& [attempts, full_ms] :
         {std::pair{1, 1'000}, {2, 2'000}, {3, 4'000}, {4, 8'000}, {5, 10'000}, {19, 10'000}}) {
        for (int i = 0; i < 100; ++i) {
            const auto wait =
                *next_attempt(policy, {500, "", "", false, {}}, attempts, now, random) - now;
            EXPECT_GE(wait, Milliseconds(full_ms / 2));
            EXPECT_LE(wait, Milliseconds(full_ms));
        }
    }
}

TEST(NextAttempt, HonoursRetryAfterUpToItsLimit) {
    Random random(1);
    const RetryPolicy policy;
    EXPECT_EQ(next_attempt(policy, {503, "", "30", false, {}}, 1, now, random), now + Seconds(30));
    EXPECT_EQ(next_attempt(policy, {503, "", "86400", false, {}}, 1, now, random),
              now + policy.retry_after_max);
}

TEST(NextAttempt, GivesUpAfterTheLastAndWhenNothingCanChange) {
    Random random(1);
    const RetryPolicy policy;
    EXPECT_FALSE(next_attempt(policy, {500, "", "", false, {}}, policy.attempts_max, now, random));
    EXPECT_FALSE(next_attempt(policy, {410, "", "", false, {}}, 1, now, random));
    EXPECT_FALSE(next_attempt(policy, {0, "refused", "", true, {}}, 1, now, random));
    EXPECT_TRUE(next_attempt(policy, {0, "reset", "", false, {}}, 1, now, random));
}

}  // namespace
}  // namespace florin::gateway
