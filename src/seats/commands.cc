#include "seats/commands.h"

#include <algorithm>
#include <utility>

namespace florin::seats {
namespace {

std::unexpected<Refused> refused(Refusal why, std::string what) {
    return std::unexpected(Refused{why, std::move(what)});
}

void list_in(std::string& text, std::string_view name) {
    constexpr std::size_t text_max = 200;
    if (text.size() > text_max) return;
    if (!text.empty()) text += ", ";
    text += name;
}

/// The event of a hold, made when that is allowed.
Answer<SeatedEvent> event_for(store::Transaction& tx, const NewHold& request) {
    const Reservation& reservation = request.reservation;
    if (auto event = find_event(tx, reservation.event_id)) return std::move(*event);
    if (request.unknown_events == UnknownEvents::Refuse || reservation.seat_ids.empty())
        return refused(Refusal::EventUnknown, reservation.event_id);
    SeatedEvent event;
    event.id = reservation.event_id;
    event.kind = SeatedEvent::Kind::Open;
    event.created_at = reservation.created_at;
    insert_event(tx, event);
    return event;
}

Answer<std::vector<std::string>> choose_seats(store::Transaction& tx, const SeatedEvent& event,
                                              std::int64_t quantity) {
    if (event.kind == SeatedEvent::Kind::Open) return refused(Refusal::SeatsNotListed, event.id);
    auto seats = available_seats(tx, event.id, quantity);
    if (static_cast<std::int64_t>(seats.size()) < quantity)
        return refused(Refusal::NotEnoughSeats, std::to_string(seats.size()));
    return seats;
}

// Looks before it writes: a refusal that has changed rows costs its neighbours their batch.
Answer<void> take_named_seats(store::Transaction& tx, const SeatedEvent& event,
                              const Reservation& reservation) {
    std::string unknown;
    std::string taken;
    std::vector<std::string> fresh;
    // Everybody locks seats in the same order, where the store locks rows.
    auto seats = reservation.seat_ids;
    std::ranges::sort(seats);
    for (const auto& seat : seats) {
        const auto state = find_seat(tx, event.id, seat);
        if (!state && event.kind == SeatedEvent::Kind::Listed) list_in(unknown, seat);
        if (!state) fresh.push_back(seat);
        if (state && *state != SeatState::Available) list_in(taken, seat);
    }
    if (!unknown.empty()) return refused(Refusal::SeatsUnknown, unknown);
    if (!taken.empty()) return refused(Refusal::SeatsTaken, taken);
    for (const auto& seat : seats) {
        if (std::ranges::binary_search(fresh, seat)) {
            insert_held_seat(tx, event.id, seat, reservation.id);
        } else {
            hold_seat(tx, event.id, seat, reservation.id);
        }
    }
    return {};
}

std::expected<Change, StateRefusal> change(Reservation& reservation, const Move& request) {
    switch (request.target) {
        case Target::Confirm:
            return reservation.confirm(request.payment_intent_id, request.now);
        case Target::Cancel:
            return reservation.cancel(request.now);
        case Target::Expire:
            break;
    }
    return reservation.expire(request.now);
}

/// Stores a reservation that has just left its hold, with its seats.
void store_moved(store::Transaction& tx, const Reservation& reservation) {
    const bool sold = reservation.state == Reservation::State::Confirmed;
    auto seats = reservation.seat_ids;
    std::ranges::sort(seats);
    for (const auto& seat : seats) {
        if (sold) {
            sell_seat(tx, reservation.event_id, seat, reservation.id);
        } else {
            release_seat(tx, reservation.event_id, seat, reservation.id);
        }
    }
    update_reservation(tx, reservation);
}

bool speaks_of_others(const Move& request, const Reservation& reservation) {
    if (!request.event_id.empty() && request.event_id != reservation.event_id) return true;
    return !request.seats.empty() &&
           !std::ranges::is_permutation(request.seats, reservation.seat_ids);
}

}  // namespace

Answer<MadeEvent> make_event(store::Transaction& tx, const NewEvent& request) {
    const auto& wanted = request.event;
    if (auto event = find_event(tx, wanted.id)) {
        if (event->seats_print != wanted.seats_print)
            return refused(Refusal::EventDiffers, wanted.id);
        return MadeEvent{std::move(*event), count_seats(tx, wanted.id), true};
    }
    insert_event(tx, wanted);
    insert_seats(tx, wanted.id, request.seats, 1);
    const SeatCounts counts{.available = static_cast<std::int64_t>(request.seats.size())};
    return MadeEvent{wanted, counts, false};
}

Answer<Held> hold(store::Transaction& tx, const NewHold& request) {
    if (!request.key.digest.empty()) {
        if (auto kept = find_by_key(tx, request.key.digest)) {
            if (kept->request_print != request.key.request_print)
                return refused(Refusal::KeyReused, "");
            return Held{std::move(kept->reservation), true};
        }
    }
    const auto event = event_for(tx, request);
    if (!event) return std::unexpected(event.error());
    Reservation reservation = request.reservation;
    if (reservation.seat_ids.empty()) {
        auto chosen = choose_seats(tx, *event, request.quantity);
        if (!chosen) return std::unexpected(std::move(chosen.error()));
        reservation.seat_ids = std::move(*chosen);
    }
    if (auto taken = take_named_seats(tx, *event, reservation); !taken)
        return std::unexpected(std::move(taken.error()));
    insert_reservation(tx, reservation, request.key);
    return Held{std::move(reservation), false};
}

Answer<Moved> apply(store::Transaction& tx, const Move& request) {
    auto reservation = find_reservation(tx, request.reservation);
    if (!reservation) return refused(Refusal::NotFound, wire_id(request.reservation));
    if (speaks_of_others(request, *reservation))
        return refused(Refusal::OtherSeats, wire_id(request.reservation));
    const auto changed = change(*reservation, request);
    if (!changed) return refused(refusal_of(changed.error()), wire_id(request.reservation));
    switch (*changed) {
        case Change::None:
            break;
        case Change::Noted:
            update_reservation(tx, *reservation);
            break;
        case Change::Moved:
            store_moved(tx, *reservation);
            break;
    }
    return Moved{std::move(*reservation), *changed};
}

std::optional<Reservation> expire_due(store::Transaction& tx, const Uuid& id, Instant now) {
    auto reservation = find_reservation(tx, id);
    if (!reservation || !reservation->due_at || *reservation->due_at > now) return std::nullopt;
    const auto expired = reservation->expire(now);
    if (!expired || *expired != Change::Moved) return std::nullopt;
    store_moved(tx, *reservation);
    return reservation;
}

}  // namespace florin::seats
