#include "seats/reservation_service.h"

#include <algorithm>
#include <utility>

#include "platform/crypto/hmac.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::seats {
namespace {

std::string print_of(std::string_view text) {
    const auto bytes = crypto::fingerprint({}, text);
    return {bytes.begin(), bytes.end()};
}

/// One field behind its length, so that no two requests read alike.
void append_field(std::string& text, std::string_view field) {
    text += std::to_string(field.size());
    text += ':';
    text += field;
}

std::string print_of(const std::vector<std::string>& seats) {
    std::string text;
    for (const auto& seat : seats) append_field(text, seat);
    return print_of(text);
}

HoldKey key_of(const HoldRequest& request) {
    if (request.idempotency_key.empty()) return {};
    std::string key;
    append_field(key, request.user_id);
    append_field(key, request.idempotency_key);
    std::string asked;
    append_field(asked, request.event_id);
    for (const auto& seat : request.seat_ids) append_field(asked, seat);
    append_field(asked, std::to_string(request.quantity));
    append_field(asked, std::to_string(request.total_price.minor));
    append_field(asked, request.total_price.currency.code());
    append_field(asked, request.hold_for ? std::to_string(request.hold_for->count()) : "");
    return {print_of(key), print_of(asked)};
}

void log_refusal(const char* what, const Refused& refused) {
    telemetry::info(what, {{"reason", code_of(refused.why)}, {"reservation_id", refused.what}});
}

}  // namespace

ReservationCounters::ReservationCounters(telemetry::Metrics& metrics) {
    const auto counter = [&metrics](Reservation::State state) {
        return metrics.counter("florin_reservations_total",
                               "Reservations that have come into a state.",
                               {{"status", std::string(name_of(state))}});
    };
    holds_ = counter(Reservation::State::Hold);
    confirmed_ = counter(Reservation::State::Confirmed);
    cancelled_ = counter(Reservation::State::Cancelled);
    expired_ = counter(Reservation::State::Expired);
}

void ReservationCounters::count(Reservation::State state) {
    switch (state) {
        case Reservation::State::Hold:
            return holds_.add();
        case Reservation::State::Confirmed:
            return confirmed_.add();
        case Reservation::State::Cancelled:
            return cancelled_.add();
        case Reservation::State::Expired:
            return expired_.add();
    }
}

ReservationService::ReservationService(store::Store& store, const Clock& clock, UuidGenerator ids,
                                       ServiceSettings settings, HoldExpected hold_expected,
                                       telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      ids_(ids),
      settings_(settings),
      hold_expected_(std::move(hold_expected)),
      counters_(metrics) {}

awaitable<Answer<MadeEvent>> ReservationService::make_event(std::string id,
                                                            std::vector<std::string> seats) {
    NewEvent request;
    request.event.id = std::move(id);
    request.event.seats_print = print_of(seats);
    request.event.created_at = clock_.now();
    request.seats = std::move(seats);
    auto made = co_await store_.write(
        [&request](store::Transaction& tx) { return seats::make_event(tx, request); });
    if (made && !made->repeated) {
        telemetry::info("An event was made",
                        {{"event_id", request.event.id}, {"seats", request.seats.size()}});
    }
    co_return made;
}

awaitable<std::optional<EventDetails>> ReservationService::find_event(std::string id) {
    co_return co_await store_.read([&id](store::Snapshot& snapshot) -> std::optional<EventDetails> {
        auto event = seats::find_event(snapshot, id);
        if (!event) return std::nullopt;
        return EventDetails{std::move(*event), count_seats(snapshot, id)};
    });
}

awaitable<std::vector<SeatedEvent>> ReservationService::list_events(std::string after, int limit) {
    co_return co_await store_.read([&after, limit](store::Snapshot& snapshot) {
        return seats::list_events(snapshot, after, limit);
    });
}

awaitable<std::optional<std::vector<Seat>>> ReservationService::list_seats(SeatFilter filter) {
    co_return co_await store_.read(
        [&filter](store::Snapshot& snapshot) -> std::optional<std::vector<Seat>> {
            if (!seats::find_event(snapshot, filter.event)) return std::nullopt;
            return seats::list_seats(snapshot, filter);
        });
}

NewHold ReservationService::prepare(HoldRequest request) {
    NewHold prepared;
    prepared.key = key_of(request);
    prepared.quantity = request.quantity;
    prepared.unknown_events = settings_.unknown_events;
    Reservation& reservation = prepared.reservation;
    reservation.id = ids_.next();
    reservation.event_id = std::move(request.event_id);
    reservation.user_id = std::move(request.user_id);
    reservation.seat_ids = std::move(request.seat_ids);
    reservation.total_price = request.total_price;
    reservation.created_at = clock_.now();
    reservation.updated_at = reservation.created_at;
    reservation.expires_at = reservation.created_at + request.hold_for.value_or(settings_.hold_for);
    reservation.due_at = reservation.expires_at;
    return prepared;
}

awaitable<Answer<Held>> ReservationService::hold(HoldRequest request) {
    const NewHold prepared = prepare(std::move(request));
    auto held = co_await store_.write(
        [&prepared](store::Transaction& tx) { return seats::hold(tx, prepared); });
    if (!held || held->repeated) co_return held;
    hold_expected_(held->reservation.expires_at);
    counters_.count(Reservation::State::Hold);
    co_return held;
}

awaitable<std::optional<Reservation>> ReservationService::find(Uuid id) {
    co_return co_await store_.read(
        [&id](store::Snapshot& snapshot) { return find_reservation(snapshot, id); });
}

awaitable<std::vector<Reservation>> ReservationService::list(ReservationFilter filter) {
    co_return co_await store_.read(
        [&filter](store::Snapshot& snapshot) { return list_reservations(snapshot, filter); });
}

awaitable<Answer<Moved>> ReservationService::apply(Move request) {
    request.now = clock_.now();
    auto moved = co_await store_.write(
        [&request](store::Transaction& tx) { return seats::apply(tx, request); });
    if (!moved) {
        log_refusal("A reservation was not changed", moved.error());
        co_return moved;
    }
    if (moved->change == Change::Moved) counters_.count(moved->reservation.state);
    co_return moved;
}

}  // namespace florin::seats
