#include "platform/redis/reply_reader.h"

#include <gtest/gtest.h>

namespace florin::redis {
namespace {

using Kind = Reply::Kind;

TEST(ReplyReader, CutsAStreamIntoReplies) {
    ReplyReader reader;
    reader.feed("+OK\r\n-ERR no\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n");
    EXPECT_EQ(reader.next()->text, "OK");
    auto reply = reader.next();
    EXPECT_EQ(reply->kind, Kind::Error);
    EXPECT_EQ(reply->text, "ERR no");
    EXPECT_EQ(reader.next()->integer, -7);
    EXPECT_EQ(reader.next()->text, "a\r\nbc");
    EXPECT_EQ(reader.next()->kind, Kind::Nil);
    reply = reader.next();
    ASSERT_EQ(reply->kind, Kind::List);
    ASSERT_EQ(reply->elements.size(), 2U);
    EXPECT_EQ(reply->elements[0].integer, 1);
    ASSERT_EQ(reply->elements[1].elements.size(), 1U);
    EXPECT_EQ(reply->elements[1].elements[0].kind, Kind::Text);
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.broken().empty());
}

TEST(ReplyReader, WaitsForTheRest) {
    ReplyReader reader;
    const std::string bytes = "*2\r\n$3\r\nabc\r\n:12\r\n";
    for (const char byte : bytes) {
        EXPECT_FALSE(reader.next());
        reader.feed({&byte, 1});
    }
    EXPECT_EQ(reader.next()->elements[1].integer, 12);
}

TEST(ReplyReader, SaysWhatIsNoReply) {
    for (const char* const bytes : {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "$x\r\n", ":1x\r\n",
                                    "*-2\r\n", "$-2\r\n", "\x16\x03\x01"}) {
        ReplyReader reader;
        reader.feed(bytes);
        EXPECT_FALSE(reader.next()) << bytes;
        EXPECT_FALSE(reader.broken().empty()) << bytes;
        reader.feed("+OK\r\n");
        EXPECT_FALSE(reader.next()) << bytes;
    }
}

TEST(ReplyReader, RefusesWhatIsTooLarge) {
    for (const char* const bytes : {"*2147483647\r\n", "*1025\r\n", "*1000\r\n*25\r\n"}) {
        ReplyReader reader;
        reader.feed(bytes);
        EXPECT_FALSE(reader.next()) << bytes;
        EXPECT_EQ(reader.broken(), "a reply of it is too large") << bytes;
    }
    ReplyReader reader;
    reader.feed("$999999999\r\n");
    const std::string piece(64UL * 1024, 'x');
    for (std::size_t fed = 0; fed <= ReplyReader::reply_bytes_max && reader.broken().empty();
         fed += piece.size()) {
        reader.feed(piece);
        EXPECT_FALSE(reader.next());
    }
    EXPECT_EQ(reader.broken(), "a reply of it is too large");
}

TEST(ReplyReader, TakesAnyNumberOfRepliesOneAfterTheOther) {
    ReplyReader reader;
    const std::string reply = "*3\r\n:1\r\n:2\r\n$100\r\n" + std::string(100, 'x') + "\r\n";
    for (std::size_t fed = 0; fed < 2 * ReplyReader::reply_bytes_max; fed += reply.size()) {
        reader.feed(reply);
        ASSERT_TRUE(reader.next());
    }
    EXPECT_TRUE(reader.broken().empty());
}

}  // namespace
}  // namespace florin::redis
