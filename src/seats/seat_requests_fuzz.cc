#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/require.h"
#include "platform/http/message.h"
#include "seats/requests.h"

/// The first line is a cursor, the rest a body, read as each kind of request.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace seats = florin::seats;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto line_end = input.find('\n');
    florin::http::Request request;
    request.query = {{"cursor", std::string(input.substr(0, line_end))}};
    if (line_end != std::string_view::npos) request.body = input.substr(line_end + 1);
    if (const auto hold = seats::parse_hold(request, florin::Seconds(3'600))) {
        florin::require(hold->seat_ids.empty() != (hold->quantity == 0),
                        "a hold is for seats, named or counted");
        florin::require(!hold->event_id.empty() && !hold->user_id.empty(), "and somebody's");
        florin::require(hold->total_price.minor >= 0, "a price is not negative");
    } else {
        florin::require(!hold.error().empty(), "a refusal says why");
    }
    if (const auto event = seats::parse_event(request))
        florin::require(!event->id.empty() && !event->seats.empty(), "an event has seats");
    static_cast<void>(seats::parse_confirmation(request));
    static_cast<void>(seats::parse_status(request));
    static_cast<void>(seats::parse_reservation_list(request));
    if (const auto filter = seats::parse_seat_list(request); filter && filter->after_place >= 0) {
        florin::seats::Seat seat;
        seat.place = filter->after_place;
        seat.id = filter->after_seat;
        request.query = {{"cursor", seats::cursor_of(seat)}};
        florin::require(seats::parse_seat_list(request).has_value(), "a cursor reads back");
    }
    return 0;
}
