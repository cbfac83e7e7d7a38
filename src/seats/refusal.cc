#include "seats/refusal.h"

namespace florin::seats {

std::string explain(const Refused& refused) {
    const std::string& what = refused.what;
    switch (refused.why) {
        case Refusal::KeyReused:
            return "this idempotency key came with another request before; send a new one";
        case Refusal::EventUnknown:
            return "there is no event " + what + "; POST /api/events makes one";
        case Refusal::EventDiffers:
            return "event " + what + " exists with other seats; choose another id";
        case Refusal::SeatsNotListed:
            return "event " + what + " has no list of seats to choose from; name seat_ids";
        case Refusal::SeatsUnknown:
            return "the event has no seat " + what +
                   "; GET /api/events/{event_id}/seats lists them";
        case Refusal::SeatsTaken:
            return "already held or sold: " + what + "; choose other seats";
        case Refusal::NotEnoughSeats:
            return "only " + what + " seats are available";
        case Refusal::NotFound:
            return "there is no reservation " + what;
        case Refusal::OtherSeats:
            return "reservation " + what + " is for another event or other seats";
        case Refusal::AlreadyConfirmed:
            return "reservation " + what + " is confirmed: its seats are sold";
        case Refusal::AlreadyCancelled:
            return "reservation " + what +
                   " was cancelled: its seats were given back; hold new ones";
        case Refusal::AlreadyExpired:
            return "reservation " + what + " has expired: its seats were given back; hold new ones";
        case Refusal::PaidByAnother:
            return "reservation " + what + " was paid by another payment; give this one back";
    }
    return what;
}

std::string_view code_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::KeyReused:
            return "idempotency_key_reused";
        case Refusal::EventUnknown:
            return "event_not_found";
        case Refusal::EventDiffers:
            return "event_differs";
        case Refusal::SeatsNotListed:
            return "seats_not_listed";
        case Refusal::SeatsUnknown:
            return "seats_unknown";
        case Refusal::SeatsTaken:
            return "seats_taken";
        case Refusal::NotEnoughSeats:
            return "not_enough_seats";
        case Refusal::NotFound:
            return "reservation_not_found";
        case Refusal::OtherSeats:
            return "other_seats";
        case Refusal::AlreadyConfirmed:
            return "already_confirmed";
        case Refusal::AlreadyCancelled:
            return "already_cancelled";
        case Refusal::AlreadyExpired:
            return "already_expired";
        case Refusal::PaidByAnother:
            return "paid_by_another";
    }
    return "";
}

Refusal refusal_of(StateRefusal refusal) {
    switch (refusal) {
        case StateRefusal::AlreadyConfirmed:
            return Refusal::AlreadyConfirmed;
        case StateRefusal::AlreadyCancelled:
            return Refusal::AlreadyCancelled;
        case StateRefusal::AlreadyExpired:
            return Refusal::AlreadyExpired;
        case StateRefusal::PaidByAnother:
            break;
    }
    return Refusal::PaidByAnother;
}

}  // namespace florin::seats
