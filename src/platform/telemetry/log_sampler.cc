#include "platform/telemetry/log_sampler.h"

#include <functional>

namespace florin::telemetry {
namespace {

constexpr std::size_t probes_max = 16;

}  // namespace

bool LogSampler::allow(std::string_view message) {
    if (per_second_max_ == 0) return true;
    // Bit 0 keeps the hash apart from the mark of a free slot.
    const std::uint64_t hash = std::hash<std::string_view>{}(message) | 1U;
    Slot* slot = find(message, hash);
    if (slot == nullptr) slot = claim(message, hash);
    if (slot == nullptr) return true;
    return slot->count.fetch_add(1, std::memory_order_relaxed) < per_second_max_;
}

LogSampler::Slot* LogSampler::find(std::string_view message, std::uint64_t hash) {
    for (std::size_t probe = 0; probe < probes_max; ++probe) {
        Slot& slot = slots_[(hash / 2 + probe) % slots_.size()];
        const std::uint64_t found = slot.hash.load(std::memory_order_acquire);
        if (found == 0) return nullptr;
        if (found == hash && slot.message == message) return &slot;
    }
    return nullptr;
}

LogSampler::Slot* LogSampler::claim(std::string_view message, std::uint64_t hash) {
    const std::scoped_lock lock(claim_mutex_);
    if (Slot* const slot = find(message, hash)) return slot;  // another thread was faster
    for (std::size_t probe = 0; probe < probes_max; ++probe) {
        Slot& slot = slots_[(hash / 2 + probe) % slots_.size()];
        if (slot.hash.load(std::memory_order_relaxed) != 0) continue;
        slot.message = message;
        slot.hash.store(hash, std::memory_order_release);
        return &slot;
    }
    return nullptr;
}

bool LogSampler::end_second(const std::function<void(std::string_view, std::uint64_t)>& report) {
    bool counted = false;
    for (auto& slot : slots_) {
        if (slot.hash.load(std::memory_order_acquire) == 0) continue;
        const std::uint32_t count = slot.count.exchange(0, std::memory_order_relaxed);
        counted = counted || count > 0;
        if (count > per_second_max_) report(slot.message, count - per_second_max_);
    }
    return counted;
}

}  // namespace florin::telemetry
