#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/time.h"

namespace florin::seats {

/// What stands for sale under one id: a concert, a match.
struct SeatedEvent {
    enum class Kind : std::uint8_t {
        Listed = 1,  // its seats were given when it was made
        Open = 2     // it came with its first hold: every seat that is named exists
    };
    std::string id;
    Kind kind = Kind::Listed;
    std::string seats_print;  // fingerprint of the seats it was made with; 16 bytes, or nothing
    Instant created_at;
};

/// Numbers are those of common.v1.SeatStatus.
enum class SeatState : std::uint8_t { Available = 1, Reserved = 2, Sold = 3 };
/// "AVAILABLE", "RESERVED", "SOLD".
std::string_view name_of(SeatState state);
std::optional<SeatState> seat_state_named(std::string_view name);

struct Seat {
    std::string id;
    std::int64_t place = 0;  // seats are given out in this order
    SeatState state = SeatState::Available;
    std::string reservation_id;  // on the wire; empty while available
};

struct SeatCounts {
    std::int64_t available = 0;
    std::int64_t reserved = 0;
    std::int64_t sold = 0;

    [[nodiscard]] std::int64_t total() const { return available + reserved + sold; }
    bool operator==(const SeatCounts&) const = default;
};

/// The names of `count` seats that have only numbers: "1", "2", …
std::vector<std::string> numbered_seats(std::int64_t count);

}  // namespace florin::seats
