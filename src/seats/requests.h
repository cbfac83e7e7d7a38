#pragma once

#include <expected>
#include <string>
#include <vector>

#include "seats/reservation_service.h"

namespace florin::http {
struct Request;
}

/// What clients send over HTTP, checked: either a request that is right, or a text with all that is
/// wrong with it.
namespace florin::seats {

template <class T>
using Parsed = std::expected<T, std::string>;

struct EventRequest {
    std::string id;
    std::vector<std::string> seats;
};
/// {"id", "seats": 100 or ["A-1", …]}
Parsed<EventRequest> parse_event(const http::Request& request);
/// {"event_id", "user_id", "seat_ids" or "quantity", "total_price", "currency",
/// "expires_in_seconds"}, and the header Idempotency-Key.
Parsed<HoldRequest> parse_hold(const http::Request& request, Seconds hold_for_max);
/// {"payment_intent_id"}, optional, also the body.
Parsed<std::string> parse_confirmation(const http::Request& request);
/// {"status": "CONFIRMED" …, "payment_intent_id"}: of the internal API. Unknown fields pass.
Parsed<Move> parse_status(const http::Request& request);

/// `user_id`, `event_id`, `limit` and `cursor` of the query.
Parsed<ReservationFilter> parse_reservation_list(const http::Request& request);
struct EventFilter {
    std::string after;
    int limit = 20;
};
Parsed<EventFilter> parse_event_list(const http::Request& request);
/// `status`, `limit` and `cursor` of the query, the event of the path.
Parsed<SeatFilter> parse_seat_list(const http::Request& request);
/// The cursor behind `seat`, as `parse_seat_list` takes it.
std::string cursor_of(const Seat& seat);

}  // namespace florin::seats
