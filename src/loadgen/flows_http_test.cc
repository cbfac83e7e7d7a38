#include "loadgen/flows_http.h"

#include <string>

#include <gtest/gtest.h>

namespace florin::loadgen {
namespace {

std::ptrdiff_t parse(const std::string& text) {
    RawAnswer answer;
    return parse_answer(text, answer);
}

TEST(FlowsHttp, ReadsAnAnswerOnceAllOfItIsThere) {
    const std::string text =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCONTENT-length: 7 \r\n"
        "idempotent-replayed: true\r\n\r\n{\"a\":1}";
    for (std::size_t size = 0; size < text.size(); ++size) {
        RawAnswer answer;
        EXPECT_EQ(parse_answer(std::string_view(text).substr(0, size), answer), 0) << size;
    }
    RawAnswer answer;
    const std::string two = text + "HTTP/1.1";  // the body looks into it
    EXPECT_EQ(parse_answer(two, answer), static_cast<std::ptrdiff_t>(text.size()));
    EXPECT_EQ(answer.status, 200U);
    EXPECT_TRUE(answer.replayed);
    EXPECT_FALSE(answer.last);
    EXPECT_EQ(answer.body, "{\"a\":1}");
}

TEST(FlowsHttp, KnowsWhetherTheConnectionEnds) {
    const std::string text = "HTTP/1.1 503 Busy\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n";
    RawAnswer answer;
    EXPECT_EQ(parse_answer(text, answer), static_cast<std::ptrdiff_t>(text.size()));
    EXPECT_EQ(answer.status, 503U);
    EXPECT_TRUE(answer.last);
    EXPECT_FALSE(answer.replayed);
}

TEST(FlowsHttp, RefusesWhatItCannotFrame) {
    for (const char* text : {
             "HTTP/1.1 200 OK\r\n\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
             "HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n",
             "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 100 Continue\r\n\r\n",
             "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 2\r\nContent-Length: 0\r\n\r\n",
             "HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
             "\r\n\r\n",
         }) {
        EXPECT_EQ(parse(text), -1) << text;
    }
    EXPECT_EQ(parse(std::string(17 * 1024, 'x')), -1);
}

TEST(FlowsHttp, AnswersThatHaveNoBodyNeedNoLength) {
    EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n"), 27);
}

}  // namespace
}  // namespace florin::loadgen
