#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace florin::telemetry {

/// Lets the first lines of each message through in every second and counts the rest. Thread-safe;
/// a message that was seen before takes no lock. Messages past the table's size are never left out:
/// the log's queue bounds them.
class LogSampler {
public:
    /// 0: every line is let through.
    explicit LogSampler(std::uint32_t per_second_max) : per_second_max_(per_second_max) {}

    /// Whether this line should be written.
    bool allow(std::string_view message);

    /// Ends the second: calls `report` for each message that lost lines in it, with their number.
    /// True when any message was counted at all. One thread only.
    bool end_second(const std::function<void(std::string_view, std::uint64_t)>& report);

private:
    // A cache line each: threads that count different messages should not meet.
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> hash{0};  // 0: free; set last, when `message` is readable
        std::atomic<std::uint32_t> count{0};
        std::string message;
    };

    Slot* find(std::string_view message, std::uint64_t hash);
    Slot* claim(std::string_view message, std::uint64_t hash);

    const std::uint32_t per_second_max_;
    std::mutex claim_mutex_;
    std::array<Slot, 256> slots_;
};

}  // namespace florin::telemetry
