#include <cstdlib>

#include "gateway/webhooks/retry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto wait =
        florin::gateway::parse_retry_after(text, florin::instant_from_unix_us(784'111'777'000'000));
    if (wait && wait->count() < 0) std::abort();
    return 0;
}
