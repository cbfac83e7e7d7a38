#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace florin::loadgen {

/// Latencies in microseconds, up to an hour, with a relative error under one in 512 (the log-linear
/// buckets of HdrHistogram). Not thread-safe.
class Histogram {
public:
    Histogram();

    void record(std::int64_t us);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// The value that `fraction` of the records do not exceed; 0 when there are none.
    [[nodiscard]] std::int64_t percentile(double fraction) const;
    [[nodiscard]] std::int64_t max() const { return max_; }

private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::int64_t max_ = 0;
};

}  // namespace florin::loadgen
