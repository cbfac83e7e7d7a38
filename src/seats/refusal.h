#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "seats/reservation.h"

namespace florin::seats {

/// Why the service does not do what it was asked, in order of precedence.
enum class Refusal : std::uint8_t {
    KeyReused,       // this idempotency key came with another request
    EventUnknown,    // there is no such event
    EventDiffers,    // an event of that id has other seats
    SeatsNotListed,  // the event is open: seats have to be named
    SeatsUnknown,    // the event has no such seats
    SeatsTaken,      // somebody holds them or has bought them
    NotEnoughSeats,  // fewer are available than were asked for
    NotFound,        // there is no such reservation
    OtherSeats,      // the reservation is for another event or other seats
    AlreadyConfirmed,
    AlreadyCancelled,
    AlreadyExpired,
    PaidByAnother  // it is confirmed by another payment
};

struct Refused {
    Refusal why;
    std::string what;  // the id or the seats it is about
};

template <class T>
using Answer = std::expected<T, Refused>;

/// What is wrong and what to do, for people.
std::string explain(const Refused& refused);
/// "seats_taken" …: a stable name for programs.
std::string_view code_of(Refusal refusal);
Refusal refusal_of(StateRefusal refusal);

}  // namespace florin::seats
