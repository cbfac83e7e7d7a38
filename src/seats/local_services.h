#pragma once

#include <string>

#include "reservation/services.h"
#include "seats/reservation_service.h"

namespace florin::seats {

/// What the reservation worker calls, in the same process: the answers are those of the HTTP and
/// gRPC faces, without a connection. On the service's loop.
class LocalServices final : public reservation::ReservationApi, public reservation::Inventory {
public:
    /// `service` outlives this object.
    explicit LocalServices(ReservationService& service) : service_(service) {}

    /// Whether a reservation of that id may be one of ours; most payments are for something else.
    static bool concern(std::string_view reservation_id) {
        return parse_wire_id(reservation_id).has_value();
    }

    awaitable<reservation::CallResult> set_status(reservation::ReservationEvent event,
                                                  std::string status) override;
    awaitable<std::expected<reservation::ReservationView, reservation::CallFailure>> find(
        reservation::ReservationEvent event) override;
    awaitable<reservation::CallResult> commit(reservation::ReservationEvent event) override;
    awaitable<reservation::CallResult> release(reservation::ReservationEvent event,
                                               std::string reason) override;

private:
    awaitable<Answer<Moved>> apply(reservation::ReservationEvent event, Target target,
                                   std::string payment);

    ReservationService& service_;
};

}  // namespace florin::seats
