#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/uuid.h"

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

/// Where a list over a bucketed index goes on: behind this row, newest first. A place, not a row:
/// it stays good while rows are added and deleted.
struct BucketCursor {
    std::int64_t bucket = 0;
    Uuid id;
};
/// 48 hexadecimal digits, and back; nothing when it is not the text of a cursor.
std::string text_of(const BucketCursor& cursor);
std::optional<BucketCursor> parse_bucket_cursor(std::string_view text);

}  // namespace florin::store
