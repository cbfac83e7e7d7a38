#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"

namespace florin::seats {

/// Why a reservation cannot become what was asked.
enum class StateRefusal : std::uint8_t {
    AlreadyConfirmed,  // its seats are sold
    AlreadyCancelled,  // its seats went back
    AlreadyExpired,    // its seats went back
    PaidByAnother      // it is confirmed by another payment
};

/// What asking did: a repeat is a success that changes nothing.
enum class Change : std::uint8_t {
    None,
    Noted,  // only the payment is new
    Moved
};

/// Seats of one event for one user: held for a while, then sold or given back. It belongs to one
/// command: not thread-safe. Invariant: `due_at` is set exactly while it is a hold.
struct Reservation {
    enum class State : std::uint8_t { Hold = 1, Confirmed = 2, Cancelled = 3, Expired = 4 };

    Uuid id;
    std::string event_id;
    std::string user_id;
    std::vector<std::string> seat_ids;
    Money total_price;
    State state = State::Hold;
    std::string payment_intent_id;  // what it was paid by; empty: nobody said
    Instant created_at;
    Instant updated_at;
    Instant expires_at;  // from then on the seats may be taken back
    std::optional<Instant> due_at;

    /// Sells. A hold whose time is over can be confirmed as long as nobody has taken its seats
    /// back: the customer has paid, and they are there. `payment` may be empty.
    std::expected<Change, StateRefusal> confirm(std::string_view payment, Instant now);
    std::expected<Change, StateRefusal> cancel(Instant now);
    std::expected<Change, StateRefusal> expire(Instant now);

private:
    std::expected<Change, StateRefusal> release(State target, Instant now);
    Change move_to(State target, Instant now);
};

/// "HOLD", "CONFIRMED", "CANCELLED", "EXPIRED".
std::string_view name_of(Reservation::State state);
std::optional<Reservation::State> state_named(std::string_view name);

/// "rsv-<uuid>", the id on the wire, and back; nothing when it cannot be one of ours.
std::string wire_id(const Uuid& id);
std::optional<Uuid> parse_wire_id(std::string_view text);
/// Of the order that a confirmed reservation is: the same uuid.
std::string order_id(const Uuid& reservation);

}  // namespace florin::seats
