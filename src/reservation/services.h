#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "platform/runtime/awaitable.h"
#include "reservation/reservation_event.h"

namespace florin::reservation {

/// Why a call did not do what it should. Whether it took effect is unknown in both cases; every
/// call carries the event's key, so that making it again changes nothing.
struct CallFailure {
    enum class Kind : std::uint8_t {
        Passing,  // no answer, overload, a fault of the service: again later
        Final     // the service says no, and would again
    };
    Kind kind = Kind::Passing;
    std::string text;  // for people
};
using CallResult = std::expected<void, CallFailure>;

/// What the reservation API knows of a reservation, as far as the worker needs it.
struct ReservationView {
    std::string event_id;
    std::vector<std::string> seat_ids;
};

/// Port: the reservation API. Calls end by their own deadline. On one loop.
class ReservationApi {
public:
    virtual ~ReservationApi() = default;
    /// Moves the event's reservation to `status` ("CONFIRMED", "CANCELLED", "EXPIRED"). That it has
    /// left the hold before is a success: somebody else was first, or we were.
    virtual awaitable<CallResult> set_status(ReservationEvent event, std::string status) = 0;
    /// Nothing in it when the reservation is not known there.
    virtual awaitable<std::expected<ReservationView, CallFailure>> find(ReservationEvent event) = 0;
};

/// Port: the inventory. Calls end by their own deadline. On one loop.
class Inventory {
public:
    virtual ~Inventory() = default;
    /// Sells the seats of a reservation that was paid.
    virtual awaitable<CallResult> commit(ReservationEvent event) = 0;
    /// Gives them back; that nobody holds them any more is a success.
    virtual awaitable<CallResult> release(ReservationEvent event, std::string reason) = 0;
};

}  // namespace florin::reservation
