#include "ledger/walk.h"

#include <gtest/gtest.h>

#include "ledger/test_world.h"

namespace florin::ledger {
namespace {

Instant at(std::int64_t seconds) {
    return instant_from_unix_us(1'700'000'000'000'000) + Seconds(seconds);
}

void book_at(World& world, std::uint8_t subject, Instant when) {
    Posting hold = posting("shop-1", subject, 1, Movement::Authorize, authorize_entries(100));
    hold.at = when;
    world.post(hold);
}

std::int64_t border(World& world, std::int64_t after, Instant before, Instant now) {
    return world.read([=](store::Snapshot& snapshot) {
        return last_before(snapshot, after, last_place(snapshot), before, now);
    });
}

TEST(Walk, PassesEveryPostingOnceInTheOrderOfBooking) {
    World world;
    for (std::uint8_t i = 1; i <= 7; ++i)
        world.post(posting(i % 2 == 0 ? "shop-1" : "shop-2", i, 1, Movement::Capture,
                           capture_entries(100, 90, 9)));
    std::vector<std::int64_t> places;
    std::int64_t reached = 1;
    for (;;) {
        const auto page =
            world.read([=](store::Snapshot& snapshot) { return walk(snapshot, reached, 6, 2); });
        if (page.empty()) break;
        for (const auto& walked : page) {
            places.push_back(walked.place);
            EXPECT_EQ(walked.entries, capture_entries(100, 90, 9));
        }
        reached = page.back().place;
    }
    EXPECT_EQ(places, (std::vector<std::int64_t>{2, 3, 4, 5, 6}));
}

TEST(Walk, FindsTheBorderBetweenTwoTimes) {
    World world;
    EXPECT_EQ(border(world, 0, at(0), at(1'000)), 0);
    for (std::uint8_t i = 1; i <= 20; ++i) book_at(world, i, at(i));
    for (std::int64_t i = 0; i <= 20; ++i) EXPECT_EQ(border(world, 0, at(i + 1), at(1'000)), i);
    EXPECT_EQ(border(world, 12, at(5), at(1'000)), 12) << "it never goes back";
}

TEST(Walk, SomethingBookedBehindAWrongClockDoesNotMoveTheBorder) {
    World world;
    for (std::uint8_t i = 1; i <= 20; ++i) book_at(world, i, i == 8 ? at(90'000) : at(i));
    EXPECT_EQ(border(world, 0, at(13), at(1'000)), 12);
}

}  // namespace
}  // namespace florin::ledger
