#include "platform/base/require.h"

#include <cstdio>
#include <cstdlib>

namespace florin {

void require(bool condition, const char* why) {
    if (condition) [[likely]] {
        return;
    }
    std::fprintf(stderr, "florin: broken invariant: %s\n", why);
    std::abort();
}

}  // namespace florin
