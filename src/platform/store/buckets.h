#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
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
/// in the row's id. Those numbers are greater than any that was counted, so a database may change
/// from the one to the other. Thread-safe; one object a table and process.
class Buckets {
public:
    enum class Numbering : std::uint8_t { Counted, Timed };
    static constexpr std::int64_t rows_per_bucket = 4'096;
    static constexpr Microseconds time_per_bucket = std::chrono::minutes(10);

    explicit Buckets(Numbering numbering) : numbering_(numbering) {}
    /// As it suits a store that several processes share, or not.
    explicit Buckets(const Store& store);

    [[nodiscard]] bool opened() const { return numbering_ == Numbering::Timed || first_ >= 0; }
    /// Goes on after the last bucket that is stored; only the first call counts.
    void open_after(std::int64_t last_stored) {
        std::int64_t unopened = -1;
        first_.compare_exchange_strong(unopened, last_stored + 1);
    }
    /// The bucket of a new row with that id (UUIDv7).
    std::int64_t next(const Uuid& id) {
        if (numbering_ == Numbering::Timed) return unix_us(time_of(id)) / time_per_bucket.count();
        return first_ + created_++ / rows_per_bucket;
    }

private:
    const Numbering numbering_;
    std::atomic<std::int64_t> first_{-1};
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
