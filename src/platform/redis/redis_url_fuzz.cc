#include <cstdint>

#include "platform/base/require.h"
#include "platform/redis/url.h"

/// What parses is shown as a URL that parses to the same place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace redis = florin::redis;
    const auto address = redis::parse_redis_url({reinterpret_cast<const char*>(data), size});
    if (!address) return 0;
    auto bare = *address;
    bare.user.clear();
    bare.password.clear();
    const auto again = redis::parse_redis_url(bare.shown());
    florin::require(again && again->host == address->host && again->port == address->port &&
                        again->database == address->database && again->tls == address->tls,
                    "a Redis URL survives being shown");
    return 0;
}
