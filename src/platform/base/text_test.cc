#include <string>

#include <gtest/gtest.h>

#include "platform/base/ascii.h"
#include "platform/base/json_text.h"
#include "platform/base/time_text.h"
#include "platform/base/utf8.h"
#include "platform/base/whole_number.h"

namespace florin {
namespace {

std::string json_of(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string rfc3339_of(std::string_view text) {
    const auto parsed = parse_instant(text);
    return parsed ? time_text(*parsed) : "nothing";
}

TEST(JsonText, EscapesWhatJsonAsksFor) {
    EXPECT_EQ(json_of(""), R"("")");
    EXPECT_EQ(json_of("a\"b\\c\nd"), R"("a\"b\\c\u000ad")");
    EXPECT_EQ(json_of("원 \xF0\x9F\x92\xB3"), "\"원 \xF0\x9F\x92\xB3\"");
}

TEST(JsonText, MakesWholeWhatIsNotUtf8) {
    const std::string mark(utf8_replacement);
    EXPECT_EQ(json_of("\xFF"), "\"" + mark + "\"");
    EXPECT_EQ(json_of("a\xE2\x82"), "\"a" + mark + mark + "\"");           // cut off
    EXPECT_EQ(json_of("\xC0\xAFz"), "\"" + mark + mark + "z\"");           // overlong
    EXPECT_EQ(json_of("\xED\xA0\x80"), "\"" + mark + mark + mark + "\"");  // a surrogate
    EXPECT_TRUE(is_utf8(json_of("\x80\xC2\xF4\x90\x80\x80 원")));
}

TEST(Utf8, TellsWhatIsUtf8) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("plain 원 \xF4\x8F\xBF\xBF"));
    for (const char* wrong : {"\x80", "\xC2", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80"})
        EXPECT_FALSE(is_utf8(wrong)) << json_of(wrong);
}

TEST(Utf8, CountsCharactersAndNotBytes) {
    EXPECT_EQ(characters_in(""), 0U);
    EXPECT_EQ(characters_in("a원\xF0\x9F\x92\xB3"), 3U);
}

TEST(Ascii, IgnoresTheCaseOfItsOwnLettersOnly) {
    EXPECT_EQ(lower("Content-Type Ä"), "content-type Ä");
    EXPECT_TRUE(equal_ignoring_case("Close", "cLOSE"));
    EXPECT_FALSE(equal_ignoring_case("close", "closed"));
    EXPECT_FALSE(equal_ignoring_case("[", "{"));
}

TEST(Ascii, TrimsBlanksAtTheEnds) {
    EXPECT_EQ(trimmed(" \ta b\r\n"), "a b");
    EXPECT_EQ(trimmed(" \t"), "");
}

TEST(Ascii, ShowsASpaceForAControlCharacter) {
    EXPECT_TRUE(has_control_characters("a\x1B[2J"));
    EXPECT_TRUE(has_control_characters("\x7F"));
    EXPECT_FALSE(has_control_characters("원 ~"));
    EXPECT_EQ(printable("a\x1B[2J\x7F 원"), "a [2J  원");
}

TEST(TimeText, ReadsDatesAndTimes) {
    EXPECT_EQ(rfc3339_of("2026-11-21"), "2026-11-21T00:00:00.000Z");
    EXPECT_EQ(rfc3339_of("2026-11-21T09:10:11Z"), "2026-11-21T09:10:11.000Z");
    EXPECT_EQ(rfc3339_of("2026-11-21t09:10:11z"), "2026-11-21T09:10:11.000Z");
    EXPECT_EQ(rfc3339_of("2026-11-21T09:10:11.5Z"), "2026-11-21T09:10:11.500Z");
    EXPECT_EQ(rfc3339_of("2026-11-21T09:10:11.123456789Z"), "2026-11-21T09:10:11.123Z");
    EXPECT_EQ(rfc3339_of("2026-11-21T09:10:11+09:00"), "2026-11-21T00:10:11.000Z");
    EXPECT_EQ(rfc3339_of("2026-11-21T20:10:11-05:30"), "2026-11-22T01:40:11.000Z");
    EXPECT_EQ(rfc3339_of("2024-02-29T23:59:60Z"), "2024-02-29T23:59:59.000Z");
}

TEST(TimeText, RefusesWhatIsNeither) {
    for (const char* text :
         {"", "2026", "2026-11-31", "2026-13-01", "2023-02-29", "-001-01-01", "2026-1-1",
          "2026-11-21T", "2026-11-21T09:10Z", "2026-11-21T09:10:11", "2026-11-21T24:00:00Z",
          "2026-11-21T09:60:00Z", "2026-11-21T09:10:61Z", "2026-11-21T09:10:11.Z",
          "2026-11-21T09:10:11+0900", "2026-11-21T09:10:11+24:00", "2026-11-21T09:10:11Zx",
          "2026-11-21 09:10:11Z", "+026-11-21"})
        EXPECT_EQ(rfc3339_of(text), "nothing") << text;
}

TEST(WholeNumber, IsWhatADoubleIsExactly) {
    EXPECT_EQ(exactly_whole(1e3), 1'000);
    EXPECT_EQ(exactly_whole(-0.0), 0);
    EXPECT_EQ(exactly_whole(9'007'199'254'740'991.0), 9'007'199'254'740'991);
    for (const double other : {10.5, 1e-300, 1e16, -1e300, 1.0 / 0.0, 0.0 / 0.0})
        EXPECT_EQ(exactly_whole(other), std::nullopt) << other;
}

}  // namespace
}  // namespace florin
