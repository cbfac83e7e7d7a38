#pragma once

#include <string>
#include <vector>

#include "seats/reservation_service.h"

/// What the HTTP face answers, encoded.
namespace florin::seats {

std::string reservation_json(const Reservation& reservation);
/// `more`: there is another page behind the last one; the same below.
std::string reservations_json(const std::vector<Reservation>& reservations, bool more);
std::string event_json(const SeatedEvent& event, const SeatCounts& counts);
std::string events_json(const std::vector<SeatedEvent>& events, bool more);
std::string seats_json(const std::vector<Seat>& seats, bool more);

}  // namespace florin::seats
