#include "platform/limits/backoff.h"

#include <limits>
#include <utility>

#include <gtest/gtest.h>

namespace florin::limits {
namespace {

TEST(Backoff, DoublesUpToItsLimitWithJitterInTheUpperHalf) {
    Random random(1);
    const BackoffPolicy policy{Milliseconds(1'000), Milliseconds(10'000)};
    for (const auto& [attempts, full_ms] : {std::pair{0, 1'000},
                                            {1, 1'000},
                                            {2, 2'000},
                                            {4, 8'000},
                                            {5, 10'000},
                                            {std::numeric_limits<int>::max(), 10'000}}) {
        for (int i = 0; i < 100; ++i) {
            const Milliseconds wait = backoff(policy, attempts, random);
            EXPECT_GE(wait, Milliseconds(full_ms / 2)) << attempts;
            EXPECT_LE(wait, Milliseconds(full_ms)) << attempts;
        }
    }
}

TEST(Backoff, SpreadsThoseWhoFailedTogether) {
    Random random(2);
    Milliseconds shortest = Milliseconds::max();
    Milliseconds longest{0};
    for (int i = 0; i < 1'000; ++i) {
        const Milliseconds wait = backoff({}, 1, random);
        shortest = std::min(shortest, wait);
        longest = std::max(longest, wait);
    }
    EXPECT_LT(shortest, Milliseconds(550));
    EXPECT_GT(longest, Milliseconds(950));
}

TEST(Backoff, TakesAnyPolicy) {
    Random random(3);
    EXPECT_EQ(backoff({Milliseconds(0), Milliseconds(1'000)}, 1'000'000'000, random),
              Milliseconds(0));
    EXPECT_LE(backoff({Milliseconds(5'000), Milliseconds(1'000)}, 3, random), Milliseconds(1'000));
}

}  // namespace
}  // namespace florin::limits
