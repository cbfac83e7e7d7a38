#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/uuid.h"
#include "platform/store/session.h"
#include "seats/seating.h"

/// The SQL of events and their seats.
namespace florin::seats {

std::optional<SeatedEvent> find_event(store::Snapshot& snapshot, std::string_view id);
void insert_event(store::Transaction& tx, const SeatedEvent& event);
/// In the order of their ids, behind `after`.
std::vector<SeatedEvent> list_events(store::Snapshot& snapshot, std::string_view after, int limit);

SeatCounts count_seats(store::Snapshot& snapshot, std::string_view event);
std::optional<SeatState> find_seat(store::Snapshot& snapshot, std::string_view event,
                                   std::string_view seat);
/// The first `limit` that are available, in the order of their places.
std::vector<std::string> available_seats(store::Snapshot& snapshot, std::string_view event,
                                         std::int64_t limit);

struct SeatFilter {
    std::string event;
    SeatState state = SeatState::Available;
    std::int64_t after_place = -1;  // of the last seat of the page before
    std::string after_seat;
    int limit = 100;
};
/// Of one state, in the order of their places.
std::vector<Seat> list_seats(store::Snapshot& snapshot, const SeatFilter& filter);

/// `places` begin at `first_place`.
void insert_seats(store::Transaction& tx, std::string_view event,
                  const std::vector<std::string>& seats, std::int64_t first_place);
/// A seat of an open event, which comes into being with the reservation that holds it.
void insert_held_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
                      const Uuid& reservation);
/// These change one seat, which must be as they expect: `std::logic_error` when it is not, and the
/// command leaves no trace.
void hold_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
               const Uuid& reservation);
void sell_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
               const Uuid& reservation);
void release_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
                  const Uuid& reservation);

}  // namespace florin::seats
