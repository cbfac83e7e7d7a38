#include "settlement/business_day.h"

#include <gtest/gtest.h>

namespace florin::settlement {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr BusinessCalendar seoul(minutes(540), minutes(30));

Instant utc(const char* day, hours hour, minutes minute = minutes(0)) {
    return BusinessCalendar(minutes(0), minutes(0)).begin_of(*parse_day(day)) + hour + minute;
}

TEST(BusinessDay, IsReadAndShownAsADate) {
    for (const char* text : {"0001-01-01", "1970-01-01", "2024-02-29", "2026-11-21", "9999-12-31"})
        EXPECT_EQ(text_of(parse_day(text).value()), text);
    for (const char* text :
         {"", "2026-11-2", "2026-11-31", "2025-02-29", "2026-13-01", "21.11.2026", "2026-11-21 ",
          "2026/11/21", "+026-11-21", "2026-+1-21"}) {
        EXPECT_FALSE(parse_day(text).has_value()) << text;
    }
}

TEST(BusinessDay, BeginsAtLocalMidnight) {
    const BusinessDay day = *parse_day("2026-11-21");
    EXPECT_EQ(seoul.begin_of(day), utc("2026-11-20", hours(15)));
    EXPECT_EQ(seoul.end_of(day), utc("2026-11-21", hours(15)));
    EXPECT_EQ(seoul.day_of(seoul.begin_of(day)), day);
    EXPECT_EQ(seoul.day_of(seoul.begin_of(day) - Microseconds(1)), day.previous());
    const BusinessCalendar west(minutes(-210), minutes(0));
    EXPECT_EQ(west.day_of(utc("2026-11-21", hours(3))), day.previous());
    EXPECT_EQ(west.day_of(utc("2026-11-21", hours(3), minutes(30))), day);
}

TEST(BusinessDay, IsDueSomeTimeAfterItsEnd) {
    const BusinessDay day = *parse_day("2026-11-21");
    EXPECT_EQ(seoul.due(day), utc("2026-11-21", hours(15), minutes(30)));
    EXPECT_EQ(seoul.last_due(seoul.due(day)), day);
    EXPECT_EQ(seoul.last_due(seoul.due(day) - Microseconds(1)), day.previous());
}

}  // namespace
}  // namespace florin::settlement
