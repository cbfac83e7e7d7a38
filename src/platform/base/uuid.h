#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/random.h"
#include "platform/base/time.h"

namespace florin {

/// A UUID as its 16 bytes in network order: the form the stores keep.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const Uuid&) const = default;

    [[nodiscard]] std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    /// The canonical text: 36 characters, lower case.
    [[nodiscard]] std::string text() const;
    /// Appends the canonical text; one allocation less than `text()` on hot paths.
    void append_to(std::string& out) const;
};

/// Accepts exactly the canonical text, either case.
std::optional<Uuid> parse_uuid(std::string_view text);

/// The 16 bytes of a stored id; `bytes.size()` must be 16.
Uuid uuid_from_bytes(std::string_view bytes);

/// The smallest version-7 UUID of that millisecond: a border for range scans over time-ordered ids.
Uuid first_uuid_at(Instant at);

/// The creation time that a version-7 UUID carries, to the millisecond.
Instant time_of(const Uuid& id);

/// Makes version-7 UUIDs (RFC 9562, 5.7): 48 bits of milliseconds, 74 random bits. Ids of one
/// generator ascend. Not thread-safe: one generator a loop.
class UuidGenerator {
public:
    UuidGenerator(const Clock& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}

    Uuid next();

private:
    const Clock& clock_;
    Random random_;
    std::int64_t last_ms_ = 0;
    std::uint16_t sequence_ = 0;  // the 12 bits after the version, counted up inside a millisecond
};

}  // namespace florin
