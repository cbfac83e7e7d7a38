#include "seats/local_services.h"

#include <utility>

namespace florin::seats {
namespace {

using reservation::CallFailure;
using reservation::CallResult;
using reservation::ReservationEvent;
using reservation::ReservationView;
using Kind = CallFailure::Kind;

std::unexpected<CallFailure> final_failure(const Refused& refused) {
    return std::unexpected(CallFailure{Kind::Final, explain(refused)});
}

/// The reservation has left the hold before: somebody else was first, or we were.
bool has_left_the_hold(Refusal refusal) {
    return refusal == Refusal::AlreadyConfirmed || refusal == Refusal::AlreadyCancelled ||
           refusal == Refusal::AlreadyExpired;
}

Target target_of(Reservation::State state) {
    switch (state) {
        case Reservation::State::Confirmed:
            return Target::Confirm;
        case Reservation::State::Cancelled:
            return Target::Cancel;
        case Reservation::State::Expired:
        case Reservation::State::Hold:
            break;
    }
    return Target::Expire;
}

}  // namespace

awaitable<CallResult> LocalServices::set_status(ReservationEvent event, std::string status) {
    const auto state = state_named(status);
    if (!state) {
        co_return std::unexpected(
            CallFailure{Kind::Final, "there is no status " + std::move(status)});
    }
    const auto moved = co_await apply(std::move(event), target_of(*state), "");
    if (moved || has_left_the_hold(moved.error().why)) co_return CallResult();
    co_return final_failure(moved.error());
}

awaitable<std::expected<ReservationView, CallFailure>> LocalServices::find(ReservationEvent event) {
    const auto id = parse_wire_id(event.reservation_id);
    if (!id) co_return ReservationView{};
    auto found = co_await service_.find(*id);
    if (!found) co_return ReservationView{};
    co_return ReservationView{std::move(found->event_id), std::move(found->seat_ids)};
}

awaitable<CallResult> LocalServices::commit(ReservationEvent event) {
    std::string payment = event.payment_intent_id;
    const auto moved = co_await apply(std::move(event), Target::Confirm, std::move(payment));
    if (moved) co_return CallResult();
    co_return final_failure(moved.error());
}

awaitable<CallResult> LocalServices::release(ReservationEvent event, std::string reason) {
    const Target target = reason == "EXPIRED" ? Target::Expire : Target::Cancel;
    const auto moved = co_await apply(std::move(event), target, "");
    if (moved || has_left_the_hold(moved.error().why) || moved.error().why == Refusal::NotFound)
        co_return CallResult();
    co_return final_failure(moved.error());
}

awaitable<Answer<Moved>> LocalServices::apply(ReservationEvent event, Target target,
                                              std::string payment) {
    const auto id = parse_wire_id(event.reservation_id);
    if (!id) co_return std::unexpected(Refused{Refusal::NotFound, std::move(event.reservation_id)});
    Move move;
    move.reservation = *id;
    move.target = target;
    move.payment_intent_id = std::move(payment);
    move.event_id = std::move(event.event_id);
    move.seats = std::move(event.seat_ids);
    co_return co_await service_.apply(std::move(move));
}

}  // namespace florin::seats
