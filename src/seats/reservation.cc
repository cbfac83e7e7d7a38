#include "seats/reservation.h"

namespace florin::seats {
namespace {

constexpr std::string_view id_prefix = "rsv-";
using State = Reservation::State;

StateRefusal why_not(State state) {
    switch (state) {
        case State::Cancelled:
            return StateRefusal::AlreadyCancelled;
        case State::Expired:
            return StateRefusal::AlreadyExpired;
        case State::Hold:
        case State::Confirmed:
            break;
    }
    return StateRefusal::AlreadyConfirmed;
}

}  // namespace

std::expected<Change, StateRefusal> Reservation::confirm(std::string_view payment, Instant now) {
    if (state != State::Hold && state != State::Confirmed) return std::unexpected(why_not(state));
    const bool news = !payment.empty() && payment != payment_intent_id;
    if (news && !payment_intent_id.empty()) return std::unexpected(StateRefusal::PaidByAnother);
    if (news) payment_intent_id = payment;
    if (state == State::Hold) return move_to(State::Confirmed, now);
    if (!news) return Change::None;
    updated_at = now;
    return Change::Noted;
}

std::expected<Change, StateRefusal> Reservation::cancel(Instant now) {
    return release(State::Cancelled, now);
}

std::expected<Change, StateRefusal> Reservation::expire(Instant now) {
    return release(State::Expired, now);
}

std::expected<Change, StateRefusal> Reservation::release(State target, Instant now) {
    if (state == target) return Change::None;
    if (state != State::Hold) return std::unexpected(why_not(state));
    return move_to(target, now);
}

Change Reservation::move_to(State target, Instant now) {
    state = target;
    due_at.reset();
    updated_at = now;
    return Change::Moved;
}

std::string_view name_of(State state) {
    switch (state) {
        case State::Hold:
            return "HOLD";
        case State::Confirmed:
            return "CONFIRMED";
        case State::Cancelled:
            return "CANCELLED";
        case State::Expired:
            return "EXPIRED";
    }
    return "";
}

std::optional<State> state_named(std::string_view name) {
    for (const auto state : {State::Hold, State::Confirmed, State::Cancelled, State::Expired}) {
        if (name_of(state) == name) return state;
    }
    return std::nullopt;
}

std::string wire_id(const Uuid& id) {
    return std::string(id_prefix) + id.text();
}

std::optional<Uuid> parse_wire_id(std::string_view text) {
    if (!text.starts_with(id_prefix)) return std::nullopt;
    return parse_uuid(text.substr(id_prefix.size()));
}

std::string order_id(const Uuid& reservation) {
    return "ord-" + reservation.text();
}

}  // namespace florin::seats
