#include "platform/crypto/secure_random.h"

#include <cerrno>

#include <sys/random.h>

#include "platform/base/require.h"

namespace florin::crypto {

void fill_with_secure_random(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        require(got > 0 || errno == EINTR, "the kernel gives random bytes");
        if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

}  // namespace florin::crypto
