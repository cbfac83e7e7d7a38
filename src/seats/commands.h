#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "seats/refusal.h"
#include "seats/reservation_store.h"
#include "seats/seat_store.h"

/// What the service does inside one transaction. Each function may run twice.
namespace florin::seats {

/// An event as it was asked for; `seats_print` tells the same request again.
struct NewEvent {
    SeatedEvent event;
    std::vector<std::string> seats;
};
struct MadeEvent {
    SeatedEvent event;
    SeatCounts counts;
    bool repeated = false;
};
Answer<MadeEvent> make_event(store::Transaction& tx, const NewEvent& request);

/// What to do about an event that nobody has made.
enum class UnknownEvents : std::uint8_t { Refuse, Open };

/// A hold that is ready but for its seats: either they are named, or their number is.
struct NewHold {
    Reservation reservation;
    std::int64_t quantity = 0;  // of seats to choose, when `seat_ids` is empty
    HoldKey key;
    UnknownEvents unknown_events = UnknownEvents::Refuse;
};
struct Held {
    Reservation reservation;
    bool repeated = false;  // by its key: in the state it has come to
};
Answer<Held> hold(store::Transaction& tx, const NewHold& request);

enum class Target : std::uint8_t { Confirm, Cancel, Expire };
struct Move {
    Uuid reservation;
    Target target = Target::Confirm;
    std::string payment_intent_id;   // of a confirmation; may be empty
    std::string event_id;            // not empty: it must be the reservation's
    std::vector<std::string> seats;  // not empty: they must be the reservation's, in any order
    Instant now;
};
struct Moved {
    Reservation reservation;
    Change change = Change::None;
};
/// Takes the seats along in the same transaction.
Answer<Moved> apply(store::Transaction& tx, const Move& request);

/// Expires a hold that is over at `now`; nothing when somebody was first.
std::optional<Reservation> expire_due(store::Transaction& tx, const Uuid& id, Instant now);

}  // namespace florin::seats
