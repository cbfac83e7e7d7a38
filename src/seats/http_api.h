#pragma once

#include "platform/http/admin_access.h"

namespace florin::http {
class Router;
}

namespace florin::seats {

class ReservationService;

/// Adds the routes of events and reservations to one loop's router:
///   POST  /api/events, GET /api/events, /api/events/{event_id}, /api/events/{event_id}/seats
///   POST  /api/reservations, GET /api/reservations, /api/reservations/{reservation_id}
///   POST  /api/reservations/{reservation_id}/confirm, …/cancel
///   PATCH, GET /internal/reservations/{reservation_id}   what the reservation worker calls
/// They are for services, not for customers: all of them ask for the operator's token where there
/// is one. Errors are problems (RFC 9457). The arguments outlive the router.
void add_reservation_routes(http::Router& router, ReservationService& service,
                            const http::AdminAccess& access);

}  // namespace florin::seats
