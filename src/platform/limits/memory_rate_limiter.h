#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/limits/rate_limiter.h"

namespace florin::limits {

/// Counts in this process: a bucket a key, full at first, that refills evenly over the window. Its
/// calls never suspend. Memory is bounded: past `keys_max` the keys that have used least of their
/// capacity are forgotten, which gives back at most what they have used. Thread-safe.
class MemoryRateLimiter final : public RateLimiter {
public:
    static constexpr std::size_t keys_max_default = 100'000;

    /// `clock` outlives this object.
    explicit MemoryRateLimiter(const Clock& clock, std::size_t keys_max = keys_max_default);

    awaitable<RateDecision> take(std::string_view key, RateLimit limit) override;
    awaitable<void> give_back(std::string_view key, RateLimit limit) override;

    /// Keys in memory, for /metrics.
    [[nodiscard]] std::size_t keys() const;

private:
    /// Nanoseconds since the epoch.
    using Nanoseconds = std::int64_t;

    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const {
            return std::hash<std::string_view>{}(key);
        }
    };
    /// When each key's bucket is full again: that one number is the whole state of a bucket that
    /// refills evenly (the theoretical arrival time of the generic cell rate algorithm).
    using FullAt = std::unordered_map<std::string, Nanoseconds, Hash, std::equal_to<>>;
    struct Shard {
        mutable std::mutex mutex;  // several loops share the limiter; held for nanoseconds
        FullAt full_at;
    };

    [[nodiscard]] Nanoseconds now() const;
    Shard& shard_of(std::string_view key);
    void make_room(FullAt& full_at, Nanoseconds at) const;

    const Clock& clock_;
    std::array<Shard, 64> shards_;
    const std::size_t keys_per_shard_max_;
};

}  // namespace florin::limits
