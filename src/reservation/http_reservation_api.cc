#include "reservation/http_reservation_api.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/http/client.h"

namespace json = boost::json;

namespace florin::reservation {
namespace {

constexpr std::size_t answer_text_max = 200;

/// An id as one segment of a path: it comes from a message, and must not reach other paths.
std::string segment(std::string_view id) {
    std::string text;
    for (const char c : id) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~';
        text += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return text;
}

// A refusal because of who we are, or how often we ask, is no answer about the reservation.
bool is_passing(unsigned status) {
    return status >= 500 || status == 401 || status == 403 || status == 408 || status == 425 ||
           status == 429;
}

ReservationView read_view(const std::string& body) {
    ReservationView view;
    boost::system::error_code malformed;
    const json::value answer = json::parse(body, malformed);
    if (malformed || !answer.is_object()) return view;
    const json::object& reservation = answer.get_object();
    if (const auto* event = reservation.if_contains("event_id"); event && event->is_string())
        view.event_id = event->get_string();
    const auto* seats = reservation.if_contains("seat_ids");
    if (seats == nullptr || !seats->is_array()) return view;
    for (const auto& seat : seats->get_array()) {
        if (seat.is_string()) view.seat_ids.emplace_back(seat.get_string());
    }
    return view;
}

}  // namespace

awaitable<CallResult> HttpReservationApi::set_status(ReservationEvent event, std::string status) {
    std::string body = json::serialize(json::object{{"status", status}});
    auto answer = co_await call("PATCH", std::move(event), std::move(body));
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    co_return CallResult();
}

awaitable<std::expected<ReservationView, CallFailure>> HttpReservationApi::find(
    ReservationEvent event) {
    auto answer = co_await call("GET", std::move(event), "");
    if (!answer && answer.error().kind == CallFailure::Kind::Final) co_return ReservationView{};
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    co_return read_view(*answer);
}

/// The body of a 2xx or of a 409, which says that the reservation has left the hold already.
awaitable<std::expected<std::string, CallFailure>> HttpReservationApi::call(std::string method,
                                                                            ReservationEvent event,
                                                                            std::string body) {
    http::ClientRequest request{.method = method,
                                .url = base_,
                                .headers = {{"Accept", "application/json"}},
                                .body = std::move(body),
                                .deadline = deadline_};
    while (request.url.target.ends_with('/')) request.url.target.pop_back();
    request.url.target += "/internal/reservations/" + segment(event.reservation_id);
    if (!request.body.empty()) {
        request.headers.add("Content-Type", "application/json");
        request.headers.add("Idempotency-Key", segment(event.key()));
    }
    if (!token_.empty()) request.headers.add("Authorization", "Bearer " + token_);
    if (!event.trace_id.empty()) request.headers.add("X-Correlation-ID", event.trace_id);
    auto answer = co_await client_.send(std::move(request));
    if (!answer) {
        co_return std::unexpected(
            CallFailure{CallFailure::Kind::Passing, std::move(answer.error().text)});
    }
    const unsigned status = answer->status;
    if ((status >= 200 && status < 300) || status == 409) co_return std::move(answer->body);
    const auto kind = is_passing(status) ? CallFailure::Kind::Passing : CallFailure::Kind::Final;
    co_return std::unexpected(
        CallFailure{kind, fmt::format("{} of the reservation was answered {}: {}", method, status,
                                      answer->body.substr(0, answer_text_max))});
}

}  // namespace florin::reservation
