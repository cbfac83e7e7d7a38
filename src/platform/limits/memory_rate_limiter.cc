#include "platform/limits/memory_rate_limiter.h"

#include <algorithm>

#include "platform/limits/rate_bucket.h"

namespace florin::limits {

MemoryRateLimiter::MemoryRateLimiter(const Clock& clock, std::size_t keys_max)
    : clock_(clock), keys_per_shard_max_(std::max<std::size_t>(keys_max / shards_.size(), 1)) {}

awaitable<RateDecision> MemoryRateLimiter::take(std::string_view key, RateLimit limit) {
    if (RateBucket::unlimited(limit)) co_return RateDecision{};
    const RateBucket bucket(limit);
    const Nanoseconds at = now();
    Shard& shard = shard_of(key);
    const std::scoped_lock lock(shard.mutex);
    auto found = shard.full_at.find(key);
    if (found == shard.full_at.end()) {
        make_room(shard.full_at, at);
        found = shard.full_at.emplace(key, at).first;
    }
    // A bucket is never further from full than empty: after the clock was set back, no key waits
    // for the time it was set back by.
    const Nanoseconds used = std::clamp<Nanoseconds>(found->second - at, 0, bucket.whole);
    found->second = at + bucket.used_after(used);
    co_return bucket.decide(limit, used);
}

awaitable<void> MemoryRateLimiter::give_back(std::string_view key, RateLimit limit) {
    if (RateBucket::unlimited(limit)) co_return;
    const RateBucket bucket(limit);
    const Nanoseconds at = now();
    Shard& shard = shard_of(key);
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.full_at.find(key);
    if (found != shard.full_at.end()) found->second = std::max(found->second - bucket.refill, at);
}

std::size_t MemoryRateLimiter::keys() const {
    std::size_t count = 0;
    for (const Shard& shard : shards_) {
        const std::scoped_lock lock(shard.mutex);
        count += shard.full_at.size();
    }
    return count;
}

MemoryRateLimiter::Nanoseconds MemoryRateLimiter::now() const {
    return unix_us(clock_.now()) * 1'000;
}

MemoryRateLimiter::Shard& MemoryRateLimiter::shard_of(std::string_view key) {
    return shards_[Hash{}(key) % shards_.size()];
}

void MemoryRateLimiter::make_room(FullAt& full_at, Nanoseconds at) const {
    if (full_at.size() < keys_per_shard_max_) return;
    if (std::erase_if(full_at, [at](const auto& entry) { return entry.second <= at; }) > 0) return;
    const auto least_used =
        std::ranges::min_element(full_at, {}, [](const auto& entry) { return entry.second; });
    full_at.erase(least_used);
}

}  // namespace florin::limits
