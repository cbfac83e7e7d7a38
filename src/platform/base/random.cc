#include "platform/base/random.h"

#include <random>

namespace florin {

std::uint64_t seed_from_system() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace florin
