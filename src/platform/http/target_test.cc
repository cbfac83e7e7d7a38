#include "platform/http/target.h"

#include <gtest/gtest.h>

namespace florin::http {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

TEST(Target, IsDecodedIntoPathAndQuery) {
    struct Case {
        const char* target;
        const char* path;
        Query query;
    };
    for (const auto& [target, path, query] : {
             Case{"/", "/", {}},
             Case{"/a/b", "/a/b", {}},
             Case{"/a%20b+c", "/a b+c", {}},
             Case{"/%e2%82%A9", "/\xe2\x82\xa9", {}},
             Case{"/a%2fb/c%2F", "/a%2Fb/c%2F", {}},
             Case{"/100%25%20%252F", "/100%25 %252F", {}},
             Case{"/a?x=%2F%25", "/a", {{"x", "/%"}}},
             Case{"/a?", "/a", {}},
             Case{"/a?x=1&y=2", "/a", {{"x", "1"}, {"y", "2"}}},
             Case{"/a?x=1&x=2", "/a", {{"x", "1"}, {"x", "2"}}},
             Case{"/a?x", "/a", {{"x", ""}}},
             Case{"/a?=v&&", "/a", {{"", "v"}}},
             Case{"/a?x=a+b%2Bc%26d", "/a", {{"x", "a b+c&d"}}},
             Case{"/a?x=b=c?d", "/a", {{"x", "b=c?d"}}},
             Case{"/a..b/.c/d.", "/a..b/.c/d.", {}},
             Case{"http://a.example/x?y=1", "/x", {{"y", "1"}}},
             Case{"https://a.example", "/", {}},
         }) {
        SCOPED_TRACE(target);
        Request request;
        request.method = "GET";
        const auto read = read_target(target, request);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(request.path, path);
        EXPECT_EQ(request.query, query);
    }
}

TEST(Target, RefusesBadEscapesDotSegmentsAndOtherForms) {
    for (const char* target :
         {"",    "a",       "*",      "?x",        "a.example:443", "ftp://a/", "/%",
          "/%4", "/%zz",    "/a%00b", "/?x=%",     "/?%0",          "/?x=%00",  "/..",
          "/.",  "/a/../b", "/a/./b", "/%2e%2e/b", "/a/.%2E",       "/%2E/%2f"}) {
        SCOPED_TRACE(target);
        Request request;
        request.method = "GET";
        EXPECT_FALSE(read_target(target, request));
    }
}

TEST(Target, AStarIsForOptions) {
    Request request;
    request.method = "OPTIONS";
    ASSERT_TRUE(read_target("*", request));
    EXPECT_EQ(request.path, "*");
}

TEST(Target, HasAtMostAHundredParameters) {
    std::string target = "/a?";
    for (int i = 0; i < 100; ++i) target += "x=1&";
    Request request;
    EXPECT_TRUE(read_target(target, request));
    Request too_many;
    EXPECT_FALSE(read_target(target + "x=1", too_many));
}

}  // namespace
}  // namespace florin::http
