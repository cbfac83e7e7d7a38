#pragma once

#include <atomic>
#include <cstdint>

namespace florin::store {

/// Numbers the buckets that an index over random keys is cut into: inside the bucket of the moment
/// a batch of new rows shares its index pages, where an index over all rows would touch a page of
/// its own for each (ADR 0003). The number goes up every so many rows, and with each start.
/// Thread-safe; one object a table and process.
class Buckets {
public:
    static constexpr std::int64_t rows_per_bucket = 4'096;

    [[nodiscard]] bool opened() const { return first_ >= 0; }
    /// Goes on after the last bucket that is stored; only the first call counts.
    void open_after(std::int64_t last_stored) {
        std::int64_t unopened = -1;
        first_.compare_exchange_strong(unopened, last_stored + 1);
    }
    /// The bucket of the next row.
    std::int64_t next() { return first_ + created_++ / rows_per_bucket; }

private:
    std::atomic<std::int64_t> first_{-1};
    std::atomic<std::int64_t> created_{0};
};

}  // namespace florin::store
