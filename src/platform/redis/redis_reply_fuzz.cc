#include <cstdint>
#include <string_view>

#include "platform/base/require.h"
#include "platform/redis/reply_reader.h"

/// Whatever comes, whole or in pieces (the first byte says how large), gives the same replies.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace redis = florin::redis;
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    redis::ReplyReader whole;
    whole.feed(bytes);
    std::size_t replies = 0;
    while (whole.next()) ++replies;
    redis::ReplyReader in_pieces;
    const std::size_t piece = static_cast<std::size_t>(data[0] % 16) + 1;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        in_pieces.feed(bytes.substr(at, piece));
        while (in_pieces.next()) --replies;
    }
    florin::require(replies == 0, "pieces make the replies that the whole makes");
    return 0;
}
