#include <cstddef>
#include <cstdint>
#include <string_view>

#include "reservation/reservation_event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto event = florin::reservation::parse_event(text, text.substr(0, size / 2));
    const auto outcome = florin::reservation::parse_outcome(text);
    return (event && event->key().empty()) || (outcome && outcome->key().empty()) ? 1 : 0;
}
