#include "platform/transfer/row_text.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "platform/transfer/digest.h"

namespace florin::transfer {
namespace {

const Table table{"t", {{"n", Kind::Integer}, {"s", Kind::Text}, {"b", Kind::Bytes}}, {}};

TEST(RowText, ARowSurvivesTheWay) {
    for (const Row& row : {Row{{std::int64_t{17}, std::string("text"), Bytes{"\x01\xFF"}}},
                           Row{{Value(), Value(), Value()}},
                           Row{{std::numeric_limits<std::int64_t>::min(), std::string(), Bytes{}}},
                           Row{{std::numeric_limits<std::int64_t>::max(),
                                std::string("\"\\\n\0\x1F\x7F한", 9), Bytes{std::string("\0", 1)}}},
                           Row{{std::int64_t{0}, std::string("\xFF\xFEnot UTF-8"), Bytes{"[]"}}}}) {
        const std::string line = row_text(row);
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
        const auto again = parse_row(line, table);
        ASSERT_TRUE(again) << line << ": " << again.error();
        EXPECT_EQ(*again, row) << line;
    }
    EXPECT_EQ(row_text({{std::int64_t{1}, std::string("a"), Bytes{"\xAB"}}}), R"([1,"a","ab"])");
}

TEST(RowText, SaysWhichValueIsWrong) {
    struct Case {
        const char* line;
        const char* said;
    };
    for (const auto& [line, said] :
         {Case{"", "no row"}, Case{"{}", "no row"}, Case{"[1,\"a\"", "no row"},
          Case{"[1,\"a\"]", "2 values"}, Case{"[\"1\",\"a\",\"\"]", "column n"},
          Case{"[1.0,\"a\",\"\"]", "column n"},
          Case{"[9223372036854775808,\"a\",\"\"]", "column n"}, Case{"[1,2,\"\"]", "column s"},
          Case{"[1,{\"hex\":\"0\"},\"\"]", "column s"},
          Case{"[1,{\"hex\":\"00\",\"x\":1},\"\"]", "column s"},
          Case{"[1,\"a\",\"0\"]", "column b"}, Case{"[1,\"a\",\"0G\"]", "column b"},
          Case{"[1,\"a\",\"AB\"]", "column b"}, Case{"[[[[[[1]]]]]]", "no row"}}) {
        const auto row = parse_row(line, table);
        ASSERT_FALSE(row) << line;
        EXPECT_NE(row.error().find(said), std::string::npos) << line << ": " << row.error();
    }
}

TEST(RowSum, IsTheSameInAnyOrderAndAnotherForOtherRows) {
    RowSum forward;
    RowSum backward;
    RowSum twice;
    for (int i = 0; i < 100; ++i) {
        forward.add(std::to_string(i));
        backward.add(std::to_string(99 - i));
        twice.add(std::to_string(i / 2));
    }
    EXPECT_EQ(forward.hex(), backward.hex());
    EXPECT_NE(forward.hex(), twice.hex());
    EXPECT_EQ(forward.rows(), 100);
    EXPECT_EQ(RowSum().hex(), std::string(64, '0'));
}

TEST(RunningDigest, IsThatOfTheWholeText) {
    RunningDigest digest;
    digest.add("ab");
    EXPECT_NE(digest.hex(), "");
    digest.add("c");
    EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace florin::transfer
