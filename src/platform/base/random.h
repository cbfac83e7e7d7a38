#pragma once

#include <cstdint>

namespace florin {

/// A small fast pseudo-random generator (SplitMix64, Steele et al. 2014): repeatable from its seed.
/// For jitter, dice and the random part of ids; never for secrets. Not thread-safe.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15ULL); }

    /// Uniform in [0, 1).
    double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

    /// The output function alone: spreads `value` over all 64 bits.
    static constexpr std::uint64_t mix(std::uint64_t value) {
        value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
        return value ^ (value >> 31U);
    }

private:
    std::uint64_t state_;
};

/// A seed from the operating system, for a run nobody wants to repeat.
std::uint64_t seed_from_system();

}  // namespace florin
