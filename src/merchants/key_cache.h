#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "merchants/api_key.h"

namespace florin::merchants {

/// A key as it was in the store at `read_at`, when the process had counted `changes`.
struct CachedKey {
    ApiKey key;
    std::uint64_t changes = 0;
    Instant read_at;
};

/// Keys by digest, at most `keys_max`: those used least recently go first, half of them at a time.
/// Belongs to one loop. What it returns stays until the next `put` or `find`.
class KeyCache {
public:
    explicit KeyCache(std::size_t keys_max) : young_max_(keys_max / 2) {}

    [[nodiscard]] CachedKey* find(const crypto::Sha256& digest);
    CachedKey& put(CachedKey cached);

    [[nodiscard]] std::size_t size() const { return young_.size() + old_.size(); }

private:
    struct Hash {
        // A digest is spread evenly already.
        std::size_t operator()(const crypto::Sha256& digest) const {
            std::size_t hash = 0;
            std::memcpy(&hash, digest.data(), sizeof hash);
            return hash;
        }
    };
    struct Equal {
        bool operator()(const crypto::Sha256& left, const crypto::Sha256& right) const;
    };
    using Map = std::unordered_map<crypto::Sha256, CachedKey, Hash, Equal>;

    void make_room();

    const std::size_t young_max_;
    Map young_;  // used since `old_` was young
    Map old_;
};

}  // namespace florin::merchants
