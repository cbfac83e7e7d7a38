#include <cstddef>
#include <cstdint>
#include <string_view>

#include "app/env_file.h"
#include "platform/base/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = florin::app::parse_env_file(text);
    std::size_t last_line = 0;
    for (const auto& entry : file.entries) {
        florin::require(!entry.name.empty(), "an entry has a name");
        florin::require(entry.line > last_line, "a line gives at most one entry");
        last_line = entry.line;
        // Escapes and quotes only ever shorten a value.
        florin::require(entry.value.size() <= size, "a value comes from the text");
    }
    return 0;
}
