#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/redis/reply.h"

struct redisReader;

namespace florin::redis {

/// Cuts what a connection sends into replies (RESP2). What it holds is bounded, whoever the other
/// side is: a reply has up to `elements_max` elements, all its lists together, and up to
/// `reply_bytes_max` bytes.
class ReplyReader {
public:
    static constexpr std::size_t elements_max = 1'024;
    static constexpr std::size_t reply_bytes_max = 4UL * 1024 * 1024;

    ReplyReader();
    ~ReplyReader();
    ReplyReader(const ReplyReader&) = delete;
    ReplyReader& operator=(const ReplyReader&) = delete;

    /// Takes bytes as they came.
    void feed(std::string_view bytes);
    /// The next whole reply; nothing when more bytes are needed, or `broken()`.
    std::optional<Reply> next();
    /// Why these bytes are no replies, for people; then nothing more is read. Empty while they are.
    [[nodiscard]] const std::string& broken() const { return broken_; }

private:
    struct Deleter {
        void operator()(redisReader* reader) const;
    };
    std::unique_ptr<redisReader, Deleter> reader_;
    std::size_t fed_ = 0;       // bytes since the last whole reply
    std::size_t elements_ = 0;  // of the reply that is being read; the reader counts them
    std::string broken_;
};

}  // namespace florin::redis
