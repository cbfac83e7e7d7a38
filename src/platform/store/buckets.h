#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/store/session.h"

namespace florin::store {

class Store;

/// Numbers the buckets that an index over random keys is cut into: inside the bucket of the moment
/// a batch of new rows shares its index pages, where an index over all rows would touch a page of
/// its own for each (ADR 0003). Numbers never fall as ids rise, and may leave gaps.
///
/// A database of one process counts: the number goes up every so many rows, and with each start. No
/// process can count for others, so where several share a database the number comes from the time
/// in the row's id. A database may change from the one to the other: the count goes on from the
/// times, and where it has run ahead of them, they stay in its last bucket until they have caught
/// up. Thread-safe; one object a table and process.
class Buckets {
public:
    enum class Numbering : std::uint8_t { Counted, Timed };
    static constexpr std::int64_t rows_per_bucket = 4'096;
    static constexpr Microseconds time_per_bucket = std::chrono::minutes(10);

    explicit Buckets(Numbering numbering) : numbering_(numbering) {}
    /// As it suits a store that several processes share, or not.
    explicit Buckets(const Store& store);

    [[nodiscard]] bool opened() const { return last_stored_ != unopened; }
    /// Goes on from the last bucket that is stored; only the first call counts.
    void open_after(std::int64_t last_stored) {
        std::int64_t expected = unopened;
        last_stored_.compare_exchange_strong(expected, last_stored);
    }
    /// The bucket of a new row with that id (UUIDv7).
    std::int64_t next(const Uuid& id) {
        if (numbering_ == Numbering::Timed)
            return std::max(unix_us(time_of(id)) / time_per_bucket.count(), last_stored_.load());
        return last_stored_ + 1 + created_++ / rows_per_bucket;
    }

private:
    static constexpr std::int64_t unopened = std::numeric_limits<std::int64_t>::min();

    const Numbering numbering_;
    std::atomic<std::int64_t> last_stored_{unopened};
    std::atomic<std::int64_t> created_{0};
};

/// The greatest bucket below `bucket` that has rows, by a query for it; nothing when there is none.
std::optional<std::int64_t> bucket_below(Snapshot& snapshot, const Sql& greatest_below,
                                         std::int64_t bucket);

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
