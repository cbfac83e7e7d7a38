#include "seats/seating.h"

namespace florin::seats {

std::string_view name_of(SeatState state) {
    switch (state) {
        case SeatState::Available:
            return "AVAILABLE";
        case SeatState::Reserved:
            return "RESERVED";
        case SeatState::Sold:
            return "SOLD";
    }
    return "";
}

std::optional<SeatState> seat_state_named(std::string_view name) {
    for (const auto state : {SeatState::Available, SeatState::Reserved, SeatState::Sold}) {
        if (name_of(state) == name) return state;
    }
    return std::nullopt;
}

std::vector<std::string> numbered_seats(std::int64_t count) {
    std::vector<std::string> seats;
    seats.reserve(static_cast<std::size_t>(count));
    for (std::int64_t number = 1; number <= count; ++number)
        seats.push_back(std::to_string(number));
    return seats;
}

}  // namespace florin::seats
