#include "seats/http_api.h"

#include <memory>
#include <string>
#include <utility>

#include "platform/http/server.h"
#include "seats/requests.h"
#include "seats/reservation_service.h"
#include "seats/seats_json.h"

namespace florin::seats {
namespace {

using http::Request;
using http::Response;

unsigned status_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::EventUnknown:
        case Refusal::NotFound:
            return 404;
        case Refusal::KeyReused:
        case Refusal::SeatsNotListed:
        case Refusal::SeatsUnknown:
            return 422;
        case Refusal::EventDiffers:
        case Refusal::SeatsTaken:
        case Refusal::NotEnoughSeats:
        case Refusal::OtherSeats:
        case Refusal::AlreadyConfirmed:
        case Refusal::AlreadyCancelled:
        case Refusal::AlreadyExpired:
        case Refusal::PaidByAnother:
            break;
    }
    return 409;
}

Response refusal(const Request& request, const Refused& refused) {
    return http::problem(status_of(refused.why), code_of(refused.why), explain(refused),
                         request.trace_id);
}

Response invalid(const Request& request, const std::string& complaints) {
    return http::problem(400, "invalid_request", complaints, request.trace_id);
}

std::string excerpt(std::string_view path_value) {
    constexpr std::size_t excerpt_bytes_max = 64;
    return std::string(path_value.substr(0, excerpt_bytes_max));
}

Response no_reservation(const Request& request) {
    return refusal(request, {Refusal::NotFound, excerpt(request.path_value("reservation_id"))});
}

Response no_event(const Request& request) {
    return refusal(request, {Refusal::EventUnknown, excerpt(request.path_value("event_id"))});
}

/// Takes the entry that was read to see whether there is another page.
template <class T>
bool cut_page(std::vector<T>& entries, int limit) {
    const bool more = entries.size() > static_cast<std::size_t>(limit);
    if (more) entries.pop_back();
    return more;
}

/// The face of one loop; its handlers, which the router owns, share it.
class ReservationApi {
public:
    using Method = awaitable<Response> (ReservationApi::*)(Request);

    ReservationApi(ReservationService& service, const http::AdminAccess& access)
        : service_(service), access_(access) {}

    awaitable<Response> guarded(Method method, Request request) {
        if (auto no = http::refuse_admin(access_, request)) co_return std::move(*no);
        co_return co_await (this->*method)(std::move(request));
    }

    awaitable<Response> make_event(Request request) {
        auto parsed = parse_event(request);
        if (!parsed) co_return invalid(request, parsed.error());
        const auto made =
            co_await service_.make_event(std::move(parsed->id), std::move(parsed->seats));
        if (!made) co_return refusal(request, made.error());
        co_return http::json(made->repeated ? 200 : 201, event_json(made->event, made->counts));
    }

    awaitable<Response> list_events(Request request) {
        auto filter = parse_event_list(request);
        if (!filter) co_return invalid(request, filter.error());
        auto events = co_await service_.list_events(std::move(filter->after), filter->limit + 1);
        const bool more = cut_page(events, filter->limit);
        co_return http::json(200, events_json(events, more));
    }

    awaitable<Response> get_event(Request request) {
        const auto found =
            co_await service_.find_event(std::string(request.path_value("event_id")));
        if (!found) co_return no_event(request);
        co_return http::json(200, event_json(found->event, found->counts));
    }

    awaitable<Response> list_seats(Request request) {
        auto filter = parse_seat_list(request);
        if (!filter) co_return invalid(request, filter.error());
        const int limit = filter->limit++;
        auto seats = co_await service_.list_seats(std::move(*filter));
        if (!seats) co_return no_event(request);
        const bool more = cut_page(*seats, limit);
        co_return http::json(200, seats_json(*seats, more));
    }

    awaitable<Response> hold(Request request) {
        auto parsed = parse_hold(request, service_.settings().hold_for_max);
        if (!parsed) co_return invalid(request, parsed.error());
        const auto held = co_await service_.hold(std::move(*parsed));
        if (!held) co_return refusal(request, held.error());
        Response response = http::json(201, reservation_json(held->reservation));
        if (held->repeated) response.headers.add("Idempotent-Replayed", "true");
        co_return response;
    }

    awaitable<Response> list(Request request) {
        auto filter = parse_reservation_list(request);
        if (!filter) co_return invalid(request, filter.error());
        const int limit = filter->limit++;
        auto reservations = co_await service_.list(std::move(*filter));
        const bool more = cut_page(reservations, limit);
        co_return http::json(200, reservations_json(reservations, more));
    }

    awaitable<Response> get(Request request) {
        const auto id = parse_wire_id(request.path_value("reservation_id"));
        if (!id) co_return no_reservation(request);
        const auto reservation = co_await service_.find(*id);
        if (!reservation) co_return no_reservation(request);
        co_return http::json(200, reservation_json(*reservation));
    }

    awaitable<Response> confirm(Request request) {
        auto payment = parse_confirmation(request);
        if (!payment) co_return invalid(request, payment.error());
        Move move;
        move.target = Target::Confirm;
        move.payment_intent_id = std::move(*payment);
        co_return co_await apply(std::move(request), std::move(move));
    }

    awaitable<Response> cancel(Request request) {
        Move move;
        move.target = Target::Cancel;
        co_return co_await apply(std::move(request), std::move(move));
    }

    awaitable<Response> set_status(Request request) {
        auto move = parse_status(request);
        if (!move) co_return invalid(request, move.error());
        co_return co_await apply(std::move(request), std::move(*move));
    }

private:
    awaitable<Response> apply(Request request, Move move) {
        const auto id = parse_wire_id(request.path_value("reservation_id"));
        if (!id) co_return no_reservation(request);
        move.reservation = *id;
        const auto moved = co_await service_.apply(std::move(move));
        if (!moved) co_return refusal(request, moved.error());
        co_return http::json(200, reservation_json(moved->reservation));
    }

    ReservationService& service_;
    const http::AdminAccess& access_;
};

}  // namespace

void add_reservation_routes(http::Router& router, ReservationService& service,
                            const http::AdminAccess& access) {
    const auto api = std::make_shared<ReservationApi>(service, access);
    const auto add = [&](const char* method, const char* pattern, ReservationApi::Method handler) {
        router.add(method, pattern, [api, handler](Request request) {
            return api->guarded(handler, std::move(request));
        });
    };
    add("POST", "/api/events", &ReservationApi::make_event);
    add("GET", "/api/events", &ReservationApi::list_events);
    add("GET", "/api/events/{event_id}", &ReservationApi::get_event);
    add("GET", "/api/events/{event_id}/seats", &ReservationApi::list_seats);
    add("POST", "/api/reservations", &ReservationApi::hold);
    add("GET", "/api/reservations", &ReservationApi::list);
    add("GET", "/api/reservations/{reservation_id}", &ReservationApi::get);
    add("POST", "/api/reservations/{reservation_id}/confirm", &ReservationApi::confirm);
    add("POST", "/api/reservations/{reservation_id}/cancel", &ReservationApi::cancel);
    add("GET", "/internal/reservations/{reservation_id}", &ReservationApi::get);
    add("PATCH", "/internal/reservations/{reservation_id}", &ReservationApi::set_status);
}

}  // namespace florin::seats
