#include "platform/grpc/framing.h"

#include <gtest/gtest.h>

namespace florin::grpc {
namespace {

TEST(MessagePrefix, IsReadAsItWasWritten) {
    std::string message(prefix_bytes, '\0');
    message += std::string(70'000, 'x');
    write_prefix(message, true);
    const auto prefix = read_prefix(message);
    ASSERT_TRUE(prefix);
    EXPECT_TRUE(prefix->compressed);
    EXPECT_EQ(prefix->length, 70'000U);
    message[0] = 2;
    EXPECT_FALSE(read_prefix(message));
}

TEST(PercentCoding, KeepsPrintableAsciiAndEscapesTheRest) {
    EXPECT_EQ(percent_encode("plain text"), "plain text");
    EXPECT_EQ(percent_encode("100%\n\xed\x95\x9c"), "100%25%0A%ED%95%9C");
    EXPECT_EQ(percent_decode(percent_encode("100%\n\xed\x95\x9c")), "100%\n\xed\x95\x9c");
}

TEST(PercentCoding, LeavesMalformedEscapesAsTheyAre) {
    for (const char* text : {"%", "%4", "%zz", "a%2", "50% off"}) {
        EXPECT_EQ(percent_decode(text), text);
    }
}

TEST(Timeout, TakesOneToEightDigitsAndAUnit) {
    EXPECT_EQ(parse_timeout("1H"), std::chrono::hours(1));
    EXPECT_EQ(parse_timeout("2M"), std::chrono::minutes(2));
    EXPECT_EQ(parse_timeout("3S"), std::chrono::seconds(3));
    EXPECT_EQ(parse_timeout("40m"), std::chrono::milliseconds(40));
    EXPECT_EQ(parse_timeout("50u"), std::chrono::microseconds(50));
    EXPECT_EQ(parse_timeout("99999999n"), std::chrono::nanoseconds(99'999'999));
    EXPECT_GT(*parse_timeout("99999999H"), std::chrono::nanoseconds(0)) << "no overflow";
    for (const char* text : {"", "S", "1", "-1S", "+1S", "1s", "1.5S", "123456789S", " 1S"}) {
        EXPECT_FALSE(parse_timeout(text)) << text;
    }
}

TEST(Timeout, FormatsWhatItReads) {
    EXPECT_EQ(parse_timeout(format_timeout(std::chrono::milliseconds(250))),
              std::chrono::milliseconds(250));
    EXPECT_EQ(parse_timeout(format_timeout(std::chrono::seconds(200'000))),
              std::chrono::seconds(200'000));
}

TEST(BinaryHeader, TakesBase64WithAndWithoutPadding) {
    EXPECT_EQ(decode_binary_header("AAEC"), std::string("\0\1\2", 3));
    EXPECT_EQ(decode_binary_header("/w=="), "\xff");
    EXPECT_EQ(decode_binary_header("/w"), "\xff");
    EXPECT_EQ(decode_binary_header(""), "");
    EXPECT_FALSE(decode_binary_header("A"));
    EXPECT_FALSE(decode_binary_header("A!=="));
}

TEST(Gzip, RoundsTrip) {
    const std::string text(100'000, 'z');
    EXPECT_EQ(decompress(gzip(text), text.size()), text);
}

TEST(Gzip, StopsABombAtTheLimit) {
    const auto answer = decompress(gzip(std::string(1'000'000, 'z')), 999'999);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::ResourceExhausted);
}

TEST(Gzip, RefusesBrokenData) {
    const std::string whole = gzip("some text");
    const std::string cut = whole.substr(0, whole.size() - 1);
    for (const std::string& data :
         {std::string("no gzip at all"), std::string(), cut, whole + "x"}) {
        const auto answer = decompress(data, 1'000);
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, Code::Internal);
    }
}

}  // namespace
}  // namespace florin::grpc
