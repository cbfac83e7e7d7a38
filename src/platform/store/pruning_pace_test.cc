#include "platform/store/pruning_pace.h"

#include <gtest/gtest.h>

namespace florin::store {
namespace {

using Turn = PruningPace::Turn;

TEST(PruningPace, GrowsWhileItsTurnsAreShortAndMoreIsLeft) {
    PruningPace pace;
    int before = pace.rows_per_rule();
    for (int turn = 0; turn < 3; ++turn) {
        pace.rest_after({before, true, Microseconds(500)}, 0);
        EXPECT_EQ(pace.rows_per_rule(), before * 2);
        before = pace.rows_per_rule();
    }
    for (int turn = 0; turn < 20; ++turn) pace.rest_after({1, true, Microseconds(0)}, 0);
    EXPECT_EQ(pace.rows_per_rule(), 4'096) << "one command must not fill the log";
}

TEST(PruningPace, StaysWhenNothingIsLeftOrTheTurnIsRight) {
    PruningPace pace;
    const int before = pace.rows_per_rule();
    pace.rest_after({before - 1, false, Microseconds(100)}, 0);
    pace.rest_after({before, true, Milliseconds(3)}, 0);
    EXPECT_EQ(pace.rows_per_rule(), before);
}

TEST(PruningPace, ShrinksWhenATurnHoldsTheWriterTooLong) {
    PruningPace pace;
    const int before = pace.rows_per_rule();
    pace.rest_after({before, true, Milliseconds(5)}, 0);
    EXPECT_EQ(pace.rows_per_rule(), before / 2);
    for (int turn = 0; turn < 20; ++turn) pace.rest_after({1, true, Seconds(1)}, 0);
    EXPECT_EQ(pace.rows_per_rule(), 50) << "it never stops";
}

TEST(PruningPace, TakesHalfTheWriterWhenIdleAndAQuarterWhenOthersWait) {
    PruningPace pace;
    EXPECT_EQ(pace.rest_after({1'000, true, Milliseconds(3)}, 0), Milliseconds(3));
    EXPECT_EQ(pace.rest_after({1'000, true, Milliseconds(3)}, 5), Milliseconds(9));
    EXPECT_EQ(pace.rest_after({1'000, true, Microseconds(10)}, 0), Milliseconds(1));
}

TEST(PruningPace, LooksAgainSoonAfterAFewRowsAndLaterAfterNone) {
    PruningPace pace;
    EXPECT_EQ(pace.rest_after({10, false, Microseconds(100)}, 5), Seconds(1));
    EXPECT_EQ(pace.rest_after({0, false, Microseconds(10)}, 5), std::chrono::minutes(1));
}

}  // namespace
}  // namespace florin::store
