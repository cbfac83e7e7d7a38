#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/runtime/awaitable.h"
#include "reservation/reservation_event.h"
#include "reservation/services.h"

namespace florin::reservation {

/// What became of an event.
struct HandlerResult {
    enum class Kind : std::uint8_t {
        Done,
        Retry,  // a service is away: the whole event again, later
        Park    // it can never succeed
    };
    Kind kind = Kind::Done;
    std::string error_type;  // "ReservationApi", "Inventory"
    std::string error_message;
};

/// "approved", "failed", "cancelled", "expired": the label of metrics.
std::string_view name_of(ReservationEvent::Kind kind);

/// Takes the steps of an event in their order, each of which may be repeated. Approved: confirm,
/// then sell the seats. Failed, cancelled: cancel, then give them back. Expired: give them back,
/// then expire. Seats that the event does not name are asked of the reservation API; a reservation
/// without seats leaves the inventory alone. On one loop.
class Handler {
public:
    /// The references outlive this object.
    Handler(ReservationApi& reservations, Inventory& inventory)
        : reservations_(reservations), inventory_(inventory) {}

    awaitable<HandlerResult> handle(ReservationEvent event);

private:
    awaitable<HandlerResult> cancel(const ReservationEvent& event, const char* reason);
    awaitable<HandlerResult> fill_in_seats(ReservationEvent& event);
    awaitable<HandlerResult> set_status(const ReservationEvent& event, const char* status);
    awaitable<HandlerResult> commit(const ReservationEvent& event);
    awaitable<HandlerResult> release(const ReservationEvent& event, const char* reason);

    ReservationApi& reservations_;
    Inventory& inventory_;
};

}  // namespace florin::reservation
