#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace florin::redis {

/// What Redis answered to one command.
struct Reply {
    enum class Kind : std::uint8_t { Nil, Status, Error, Integer, Text, List };
    Kind kind = Kind::Nil;
    std::string text;             // of Status, Error and Text; bytes
    std::int64_t integer = 0;     // of Integer
    std::vector<Reply> elements;  // of List
};

}  // namespace florin::redis
