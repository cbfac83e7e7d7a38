#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/store/session.h"
#include "seats/reservation.h"

/// The SQL of reservations.
namespace florin::seats {

/// What a client's idempotency key is known by. Both are 16 bytes, or nothing without a key.
struct HoldKey {
    std::string digest;         // of user and key
    std::string request_print;  // of what was asked
};

/// A reservation that a key made, and what it was asked with.
struct KeptHold {
    Reservation reservation;
    std::string request_print;
};

void insert_reservation(store::Transaction& tx, const Reservation& reservation, const HoldKey& key);
std::optional<Reservation> find_reservation(store::Snapshot& snapshot, const Uuid& id);
std::optional<KeptHold> find_by_key(store::Snapshot& snapshot, const std::string& digest);
/// Stores what can change after a reservation was made.
void update_reservation(store::Transaction& tx, const Reservation& reservation);

struct ReservationFilter {
    std::string user = {};   // empty: everybody's
    std::string event = {};  // empty: of every event
    std::optional<Uuid> before = std::nullopt;
    int limit = 20;
};
/// Newest first.
std::vector<Reservation> list_reservations(store::Snapshot& snapshot,
                                           const ReservationFilter& filter);

/// Holds whose time is over at `now`, earliest first.
std::vector<Uuid> due_holds(store::Snapshot& snapshot, Instant now, int limit);
/// When the next hold is over.
std::optional<Instant> next_due_hold(store::Snapshot& snapshot);
/// Forgets up to `limit` that gave their seats back before `before`; how many it was. What was sold
/// stays.
std::int64_t prune_released(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::seats
