#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "platform/cache/cache.h"

namespace florin::cache {

/// For tests: keeps everything in memory, at once, until its time is over. Thread-safe.
class MemoryCache final : public Cache {
public:
    explicit MemoryCache(const Clock& clock) : clock_(clock) {}

    awaitable<std::optional<std::string>> find(std::string key) override {
        const std::scoped_lock lock(mutex_);
        const auto found = kept_.find(key);
        if (found == kept_.end() || found->second.second <= clock_.now()) co_return std::nullopt;
        co_return found->second.first;
    }

    void keep(std::string key, std::string value, Milliseconds lifetime) override {
        const std::scoped_lock lock(mutex_);
        kept_.insert_or_assign(std::move(key),
                               std::pair(std::move(value), clock_.now() + lifetime));
    }

    [[nodiscard]] std::size_t size() const {
        const std::scoped_lock lock(mutex_);
        return kept_.size();
    }

private:
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::map<std::string, std::pair<std::string, Instant>> kept_;
};

}  // namespace florin::cache
