#include "seats/seats_json.h"

#include <boost/json.hpp>

#include "platform/base/time_text.h"
#include "seats/requests.h"

namespace florin::seats {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object to_object(const Reservation& reservation) {
    const bool confirmed = reservation.state == Reservation::State::Confirmed;
    json::array seats(reservation.seat_ids.begin(), reservation.seat_ids.end());
    return {{"reservation_id", wire_id(reservation.id)},
            {"event_id", reservation.event_id},
            {"user_id", reservation.user_id},
            {"status", name_of(reservation.state)},
            {"seat_ids", std::move(seats)},
            {"quantity", reservation.seat_ids.size()},
            {"total_price", reservation.total_price.minor},
            {"currency", reservation.total_price.currency.code()},
            {"hold_expires_at", time_text(reservation.expires_at)},
            {"payment_intent_id", text_or_null(reservation.payment_intent_id)},
            {"order_id", text_or_null(confirmed ? order_id(reservation.id) : "")},
            {"created_at", time_text(reservation.created_at)},
            {"updated_at", time_text(reservation.updated_at)}};
}

json::object to_object(const SeatedEvent& event) {
    const bool open = event.kind == SeatedEvent::Kind::Open;
    return {{"id", event.id},
            {"kind", open ? "OPEN" : "LISTED"},
            {"created_at", time_text(event.created_at)}};
}

std::string page(const char* name, json::array entries, json::value next_cursor) {
    return json::serialize(
        json::object{{name, std::move(entries)}, {"next_cursor", std::move(next_cursor)}});
}

}  // namespace

std::string reservation_json(const Reservation& reservation) {
    return json::serialize(to_object(reservation));
}

std::string reservations_json(const std::vector<Reservation>& reservations, bool more) {
    json::array entries;
    for (const auto& reservation : reservations) entries.emplace_back(to_object(reservation));
    return page("reservations", std::move(entries),
                more ? json::value(wire_id(reservations.back().id)) : json::value(nullptr));
}

std::string event_json(const SeatedEvent& event, const SeatCounts& counts) {
    json::object object = to_object(event);
    object["seats"] = counts.total();
    object["available"] = counts.available;
    object["reserved"] = counts.reserved;
    object["sold"] = counts.sold;
    return json::serialize(object);
}

std::string events_json(const std::vector<SeatedEvent>& events, bool more) {
    json::array entries;
    for (const auto& event : events) entries.emplace_back(to_object(event));
    return page("events", std::move(entries),
                more ? json::value(events.back().id) : json::value(nullptr));
}

std::string seats_json(const std::vector<Seat>& seats, bool more) {
    json::array entries;
    for (const auto& seat : seats) {
        entries.emplace_back(json::object{{"seat_id", seat.id},
                                          {"status", name_of(seat.state)},
                                          {"reservation_id", text_or_null(seat.reservation_id)}});
    }
    return page("seats", std::move(entries),
                more ? json::value(cursor_of(seats.back())) : json::value(nullptr));
}

}  // namespace florin::seats
