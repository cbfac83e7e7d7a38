#include "reservation/handler.h"

namespace florin::reservation {
namespace {

using Kind = HandlerResult::Kind;

HandlerResult result_of(const char* service, const CallFailure& failure) {
    const bool passing = failure.kind == CallFailure::Kind::Passing;
    return {passing ? Kind::Retry : Kind::Park, service, failure.text};
}

HandlerResult result_of(const char* service, const CallResult& result) {
    return result ? HandlerResult{} : result_of(service, result.error());
}

bool has_seats(const ReservationEvent& event) {
    return !event.event_id.empty() && !event.seat_ids.empty();
}

bool done(const HandlerResult& result) {
    return result.kind == Kind::Done;
}

}  // namespace

std::string_view name_of(ReservationEvent::Kind kind) {
    switch (kind) {
        case ReservationEvent::Kind::Approved:
            return "approved";
        case ReservationEvent::Kind::Failed:
            return "failed";
        case ReservationEvent::Kind::Cancelled:
            return "cancelled";
        case ReservationEvent::Kind::Expired:
            return "expired";
    }
    return "";
}

awaitable<HandlerResult> Handler::handle(ReservationEvent event) {
    if (auto filled = co_await fill_in_seats(event); !done(filled)) co_return filled;
    switch (event.kind) {
        case ReservationEvent::Kind::Approved: {
            auto confirmed = co_await set_status(event, "CONFIRMED");
            if (!done(confirmed)) co_return confirmed;
            co_return co_await commit(event);
        }
        case ReservationEvent::Kind::Failed:
            co_return co_await cancel(event, "FAILED_PAYMENT");
        case ReservationEvent::Kind::Cancelled:
            co_return co_await cancel(event, "CANCELLED");
        case ReservationEvent::Kind::Expired: {
            auto released = co_await release(event, "EXPIRED");
            if (!done(released)) co_return released;
            co_return co_await set_status(event, "EXPIRED");
        }
    }
    co_return HandlerResult{};
}

awaitable<HandlerResult> Handler::cancel(const ReservationEvent& event, const char* reason) {
    auto cancelled = co_await set_status(event, "CANCELLED");
    if (!done(cancelled)) co_return cancelled;
    co_return co_await release(event, reason);
}

awaitable<HandlerResult> Handler::fill_in_seats(ReservationEvent& event) {
    if (has_seats(event)) co_return HandlerResult{};
    auto found = co_await reservations_.find(event);
    if (!found) co_return result_of("ReservationApi", found.error());
    if (event.event_id.empty()) event.event_id = std::move(found->event_id);
    if (event.seat_ids.empty()) {
        event.seat_ids = std::move(found->seat_ids);
        event.quantity = static_cast<std::int32_t>(event.seat_ids.size());
    }
    co_return HandlerResult{};
}

awaitable<HandlerResult> Handler::set_status(const ReservationEvent& event, const char* status) {
    co_return result_of("ReservationApi", co_await reservations_.set_status(event, status));
}

awaitable<HandlerResult> Handler::commit(const ReservationEvent& event) {
    if (!has_seats(event)) co_return HandlerResult{};
    co_return result_of("Inventory", co_await inventory_.commit(event));
}

awaitable<HandlerResult> Handler::release(const ReservationEvent& event, const char* reason) {
    if (!has_seats(event)) co_return HandlerResult{};
    co_return result_of("Inventory", co_await inventory_.release(event, reason));
}

}  // namespace florin::reservation
