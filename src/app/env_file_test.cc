#include "app/env_file.h"

#include <gtest/gtest.h>

namespace florin::app {
namespace {

std::string value_of(std::string_view line) {
    const EnvFile file = parse_env_file(line);
    EXPECT_TRUE(file.errors.empty()) << file.errors.front();
    return file.entries.size() == 1 ? file.entries[0].value : "no single entry";
}

TEST(EnvFile, ValuesMayBeBareQuotedOrCommented) {
    struct Case {
        const char* line;
        const char* value;
    };
    for (const auto& [line, value] :
         {Case{"A=1", "1"}, Case{"  A = 1  ", "1"}, Case{"export A=1", "1"}, Case{"A=", ""},
          Case{"A=1 # one", "1"}, Case{"A= # nothing", ""}, Case{"A=#hash", "#hash"},
          Case{"A=a#b", "a#b"}, Case{"A='a # b'", "a # b"}, Case{"A='$x\\n'", "$x\\n"},
          Case{"A=\"a b\" # c", "a b"}, Case{"A=\"\\\"\\\\\\n\\t\\$\\d\"", "\"\\\n\t$\\d"},
          Case{"A=b=c", "b=c"}, Case{"A=1\r\n", "1"},
          Case{"\xEF\xBB\xBF"
               "A=1",
               "1"}}) {
        EXPECT_EQ(value_of(line), value) << line;
    }
}

TEST(EnvFile, BlankAndCommentLinesAreSkippedAndLinesCounted) {
    const EnvFile file = parse_env_file("# first\r\n\r\n  # second\nA=1\n\nB=2");
    ASSERT_EQ(file.entries.size(), 2U);
    EXPECT_EQ(file.entries[0].line, 4U);
    EXPECT_EQ(file.entries[1].line, 6U);
}

TEST(EnvFile, ErrorsNameTheLineAndKeepTheOthers) {
    const EnvFile file =
        parse_env_file("A=1\nnonsense\nB='open\nC=\"open\nD='x' y\n1E=2\n=3\nF=4\n");
    ASSERT_EQ(file.entries.size(), 2U);
    EXPECT_EQ(file.entries[1].name, "F");
    ASSERT_EQ(file.errors.size(), 6U);
    EXPECT_TRUE(file.errors[0].starts_with("line 2: there is no '='")) << file.errors[0];
    EXPECT_TRUE(file.errors[1].starts_with("line 3: B: ")) << file.errors[1];
    EXPECT_TRUE(file.errors[5].starts_with("line 7: ")) << file.errors[5];
}

TEST(EnvFile, ErrorsDoNotRepeatValues) {
    const EnvFile file = parse_env_file("WEBHOOK_SECRET='hunter2\n");
    ASSERT_EQ(file.errors.size(), 1U);
    EXPECT_EQ(file.errors[0].find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace florin::app
