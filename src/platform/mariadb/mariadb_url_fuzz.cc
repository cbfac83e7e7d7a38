#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/require.h"
#include "platform/mariadb/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using florin::require;
    const auto address = florin::mariadb::parse_url({reinterpret_cast<const char*>(data), size});
    if (!address) {
        require(!address.error().empty(), "a refusal says why");
        return 0;
    }
    require(!address->user.empty() && !address->host.empty() && !address->database.empty(),
            "what is needed to connect is there");
    require(address->port > 0 && address->writers > 0 && address->readers > 0,
            "numbers are in their ranges");
    require(address->text().find('\0') == std::string::npos, "no text is cut short");
    return 0;
}
