#pragma once

#include <cstddef>
#include <string_view>

namespace florin::loadgen {

/// One HTTP/1.1 answer; `body` looks into what was parsed.
struct RawAnswer {
    unsigned status = 0;
    bool replayed = false;  // Idempotent-Replayed: true
    bool last = false;      // Connection: close
    std::string_view body;
};

/// The whole answer at the start of `input`, if it is there: how many bytes it takes. 0: more has
/// to arrive. -1: it is not a final answer with a Content-Length, or larger than 16 MiB.
std::ptrdiff_t parse_answer(std::string_view input, RawAnswer& answer);

}  // namespace florin::loadgen
