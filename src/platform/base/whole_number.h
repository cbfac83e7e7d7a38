#pragma once

#include <cstdint>
#include <optional>

namespace florin {

/// The whole number that `value` is: JSON may write 1000 as 1000.0 or 1e3. Nothing when there is a
/// fraction, or beyond 2^53, where doubles begin to skip numbers.
constexpr std::optional<std::int64_t> exactly_whole(double value) {
    constexpr double last = 9'007'199'254'740'992.0;
    if (!(value >= -last && value <= last)) return std::nullopt;
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) != value) return std::nullopt;
    return whole;
}

}  // namespace florin
