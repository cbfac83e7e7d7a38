#include "loadgen/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace florin::loadgen {
namespace {

// Values below 2^10 have a bucket each; every power of two above has 512.
constexpr unsigned exact_bits = 10;
constexpr std::size_t per_power = 512;
constexpr std::int64_t value_max = 3'600'000'000;

std::size_t bucket_of(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    const auto width = static_cast<unsigned>(std::bit_width(bits));
    if (width <= exact_bits) return static_cast<std::size_t>(bits);
    const unsigned shift = width - exact_bits;
    return (std::size_t{1} << exact_bits) + (shift - 1) * per_power +
           (static_cast<std::size_t>(bits >> shift) - per_power);
}

std::int64_t highest_in(std::size_t bucket) {
    constexpr std::size_t exact = std::size_t{1} << exact_bits;
    if (bucket < exact) return static_cast<std::int64_t>(bucket);
    const std::size_t shift = (bucket - exact) / per_power + 1;
    const std::size_t step = (bucket - exact) % per_power + per_power;
    return static_cast<std::int64_t>(((step + 1) << shift) - 1);
}

}  // namespace

Histogram::Histogram() : buckets_(bucket_of(value_max) + 1) {}

void Histogram::record(std::int64_t us) {
    const std::int64_t value = std::clamp<std::int64_t>(us, 0, value_max);
    ++buckets_[bucket_of(value)];
    ++count_;
    max_ = std::max(max_, value);
}

std::int64_t Histogram::percentile(double fraction) const {
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        seen += buckets_[bucket];
        if (seen >= wanted && seen > 0) return std::min(highest_in(bucket), max_);
    }
    return 0;
}

}  // namespace florin::loadgen
