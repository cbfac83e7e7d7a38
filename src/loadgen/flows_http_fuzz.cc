#include <cstddef>
#include <cstdint>

#include "loadgen/flows_http.h"
#include "platform/base/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    florin::loadgen::RawAnswer answer;
    const auto taken = florin::loadgen::parse_answer(input, answer);
    florin::require(taken <= static_cast<std::ptrdiff_t>(size), "an answer ends inside its input");
    if (taken > 0) {
        florin::require(answer.status >= 200 && answer.status <= 599,
                        "only final answers are taken");
        const auto whole = input.substr(0, static_cast<std::size_t>(taken));
        florin::require(whole.ends_with(answer.body), "the body ends its answer");
    }
    return 0;
}
