#include <cstddef>
#include <cstdint>
#include <string_view>

#include "merchants/key_requests.h"
#include "platform/base/require.h"
#include "platform/http/message.h"

/// The first line is the merchant, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto line_end = input.find('\n');
    florin::http::Request request;
    request.path_parameters = {{"merchantId", std::string(input.substr(0, line_end))}};
    if (line_end != std::string_view::npos) request.body = input.substr(line_end + 1);
    if (const auto create = florin::merchants::parse_create(request)) {
        florin::require(!create->scopes.empty(), "a key can do something");
        florin::require(!create->merchant.empty(), "a key has a merchant");
        florin::require(create->name.size() <= 4 * 64, "a name is short");
    } else {
        florin::require(!create.error().empty(), "a refusal says why");
    }
    const auto grace = florin::merchants::parse_rotate(request, std::chrono::hours(24));
    florin::require(!grace || grace->count() <= 720, "a grace ends");
    return 0;
}
