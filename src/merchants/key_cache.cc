#include "merchants/key_cache.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace florin::merchants {
namespace {

std::string_view bytes_of(const crypto::Sha256& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

bool KeyCache::Equal::operator()(const crypto::Sha256& left, const crypto::Sha256& right) const {
    return crypto::equal_constant_time(bytes_of(left), bytes_of(right));
}

CachedKey* KeyCache::find(const crypto::Sha256& digest) {
    if (const auto young = young_.find(digest); young != young_.end()) return &young->second;
    auto node = old_.extract(digest);
    if (node.empty()) return nullptr;
    make_room();
    return &young_.insert(std::move(node)).position->second;
}

CachedKey& KeyCache::put(CachedKey cached) {
    CachedKey* const before = find(cached.key.digest);
    if (before == nullptr) {
        make_room();
        const crypto::Sha256 digest = cached.key.digest;
        return young_.emplace(digest, std::move(cached)).first->second;
    }
    // The store learns of a use later than this cache.
    cached.key.last_used_at = std::max(cached.key.last_used_at, before->key.last_used_at);
    *before = std::move(cached);
    return *before;
}

void KeyCache::make_room() {
    if (young_.size() < young_max_) return;
    old_ = std::exchange(young_, {});
}

}  // namespace florin::merchants
