#include "seats/requests.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "platform/http/json_fields.h"
#include "platform/http/list_query.h"
#include "platform/http/message.h"

namespace florin::seats {
namespace {

using http::JsonFields;
using http::Request;

constexpr std::size_t event_id_characters_max = 64;
constexpr std::size_t seat_id_characters_max = 32;
constexpr std::size_t user_id_characters_max = 128;
constexpr std::size_t payment_id_characters_max = 128;
constexpr std::size_t key_characters_max = 64;
constexpr std::int64_t event_seats_max = 20'000;
constexpr std::size_t reservation_seats_max = 50;
constexpr std::int64_t price_max = 1'000'000'000'000;
constexpr int limit_max = 100;
constexpr int seats_limit_max = 1'000;

std::unexpected<std::string> not_allowed(const Request& request, std::string_view parameter,
                                         std::string_view allowed) {
    return std::unexpected(http::complaint_about(request, parameter, allowed));
}

std::string numbers_to(int most) {
    return "a number from 1 to " + std::to_string(most);
}

bool read_cursor(std::string_view cursor, SeatFilter& filter) {
    constexpr std::size_t digits_max = 9;
    const auto colon = cursor.find(':');
    if (colon == std::string_view::npos || colon > digits_max) return false;
    const char* const end = cursor.data() + colon;
    const auto [stop, error] = std::from_chars(cursor.data(), end, filter.after_place);
    if (error != std::errc{} || stop != end || filter.after_place < 0) return false;
    filter.after_seat = cursor.substr(colon + 1);
    return true;
}

void read_seats(JsonFields& fields, HoldRequest& hold) {
    hold.seat_ids = fields.texts("seat_ids", reservation_seats_max, seat_id_characters_max);
    hold.quantity = fields.number("quantity", 1, reservation_seats_max).value_or(0);
    if (fields.has("seat_ids") == fields.has("quantity"))
        fields.complain("give either seat_ids, or a quantity of seats to choose");
}

void read_price(JsonFields& fields, HoldRequest& hold) {
    hold.total_price.minor = fields.number("total_price", 0, price_max).value_or(0);
    if (!fields.has("currency")) return;
    const auto currency = Currency::parse(fields.text("currency", 3));
    if (currency) {
        hold.total_price.currency = *currency;
    } else {
        fields.complain("currency must be three capital letters, such as KRW");
    }
}

void read_key(const Request& request, JsonFields& fields, HoldRequest& hold) {
    const std::string_view key = request.headers.get("Idempotency-Key");
    const bool printable = std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
    if (!printable || key.size() > key_characters_max) {
        fields.complain("Idempotency-Key must have at most " + std::to_string(key_characters_max) +
                        " printable ASCII characters");
    } else {
        hold.idempotency_key = key;
    }
}

}  // namespace

Parsed<EventRequest> parse_event(const Request& request) {
    JsonFields fields(request.body, JsonFields::Body::Required);
    fields.refuse_others({"id", "seats"});
    EventRequest event;
    event.id = fields.required_text("id", event_id_characters_max);
    if (fields.is_list("seats")) {
        event.seats = fields.texts("seats", event_seats_max, seat_id_characters_max);
    } else if (const auto count = fields.number("seats", 1, event_seats_max)) {
        event.seats = numbered_seats(*count);
    } else if (!fields.has("seats") && fields.complaints().empty()) {
        fields.complain("seats is missing; give their number or a list of their names");
    }
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    return event;
}

Parsed<HoldRequest> parse_hold(const Request& request, Seconds hold_for_max) {
    JsonFields fields(request.body, JsonFields::Body::Required);
    fields.refuse_others({"event_id", "user_id", "seat_ids", "quantity", "total_price", "currency",
                          "expires_in_seconds"});
    HoldRequest hold;
    hold.event_id = fields.required_text("event_id", event_id_characters_max);
    hold.user_id = fields.required_text("user_id", user_id_characters_max);
    read_seats(fields, hold);
    read_price(fields, hold);
    if (const auto seconds = fields.number("expires_in_seconds", 1, hold_for_max.count()))
        hold.hold_for = Seconds(*seconds);
    read_key(request, fields, hold);
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    return hold;
}

Parsed<std::string> parse_confirmation(const Request& request) {
    JsonFields fields(request.body, JsonFields::Body::Optional);
    fields.refuse_others({"payment_intent_id"});
    auto payment = fields.text("payment_intent_id", payment_id_characters_max);
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    return payment;
}

Parsed<Move> parse_status(const Request& request) {
    JsonFields fields(request.body, JsonFields::Body::Required);
    const auto name = fields.required_text("status", 16);
    Move move;
    move.payment_intent_id = fields.text("payment_intent_id", payment_id_characters_max);
    if (!fields.complaints().empty()) return std::unexpected(fields.complaints());
    switch (state_named(name).value_or(Reservation::State::Hold)) {
        case Reservation::State::Confirmed:
            move.target = Target::Confirm;
            return move;
        case Reservation::State::Cancelled:
            move.target = Target::Cancel;
            return move;
        case Reservation::State::Expired:
            move.target = Target::Expire;
            return move;
        case Reservation::State::Hold:
            break;
    }
    return std::unexpected("status is \"" + name + "\"; give CONFIRMED, CANCELLED or EXPIRED");
}

Parsed<ReservationFilter> parse_reservation_list(const Request& request) {
    ReservationFilter filter;
    const auto limit = http::limit_of(request, limit_max);
    if (!limit) return not_allowed(request, "limit", numbers_to(limit_max));
    filter.limit = *limit;
    filter.user = request.query_value("user_id").value_or("");
    filter.event = request.query_value("event_id").value_or("");
    if (const auto cursor = request.query_value("cursor")) {
        filter.before = parse_wire_id(*cursor);
        if (!filter.before)
            return not_allowed(request, "cursor", "the next_cursor of an earlier page");
    }
    return filter;
}

Parsed<EventFilter> parse_event_list(const Request& request) {
    EventFilter filter;
    const auto limit = http::limit_of(request, limit_max);
    if (!limit) return not_allowed(request, "limit", numbers_to(limit_max));
    filter.limit = *limit;
    filter.after = request.query_value("cursor").value_or("");
    return filter;
}

Parsed<SeatFilter> parse_seat_list(const Request& request) {
    SeatFilter filter;
    filter.event = request.path_value("event_id");
    const auto limit = http::limit_of(request, seats_limit_max);
    if (!limit) return not_allowed(request, "limit", numbers_to(seats_limit_max));
    filter.limit = *limit;
    if (const auto status = request.query_value("status")) {
        const auto state = seat_state_named(*status);
        if (!state) return not_allowed(request, "status", "AVAILABLE, RESERVED or SOLD");
        filter.state = *state;
    }
    const auto cursor = request.query_value("cursor");
    if (!cursor) return filter;
    if (!read_cursor(*cursor, filter))
        return not_allowed(request, "cursor", "the next_cursor of an earlier page");
    return filter;
}

std::string cursor_of(const Seat& seat) {
    return std::to_string(seat.place) + ':' + seat.id;
}

}  // namespace florin::seats
