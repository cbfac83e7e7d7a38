#include "platform/store/buckets.h"

#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "platform/store/store.h"

namespace florin::store {

Buckets::Buckets(const Store& store)
    : numbering_(store.shared() ? Numbering::Timed : Numbering::Counted) {}

std::optional<std::int64_t> bucket_below(Snapshot& snapshot, const Sql& greatest_below,
                                         std::int64_t bucket) {
    auto rows = snapshot.query(greatest_below, bucket);
    if (!rows.next() || rows.is_null(0)) return std::nullopt;
    return rows.integer(0);
}

std::string text_of(const BucketCursor& cursor) {
    std::string text = fmt::format("{:016x}", cursor.bucket);
    for (const std::uint8_t byte : cursor.id.bytes)
        fmt::format_to(std::back_inserter(text), "{:02x}", byte);
    return text;
}

std::optional<BucketCursor> parse_bucket_cursor(std::string_view text) {
    if (text.size() != 48) return std::nullopt;
    BucketCursor cursor;
    const std::string_view bucket = text.substr(0, 16);
    const auto [stop, error] = std::from_chars(bucket.begin(), bucket.end(), cursor.bucket, 16);
    if (error != std::errc{} || stop != bucket.end() || cursor.bucket < 0) return std::nullopt;
    std::string id(text.substr(16));
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) id.insert(dash, 1, '-');
    const auto parsed = parse_uuid(id);
    if (!parsed) return std::nullopt;
    cursor.id = *parsed;
    return cursor;
}

}  // namespace florin::store
