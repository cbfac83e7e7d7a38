#pragma once

#include <cstdint>
#include <span>

namespace florin::crypto {

/// Fills `bytes` from the kernel's generator: for secrets. Thread-safe.
void fill_with_secure_random(std::span<std::uint8_t> bytes);

}  // namespace florin::crypto
