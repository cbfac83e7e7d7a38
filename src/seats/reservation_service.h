#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/runtime/awaitable.h"
#include "platform/telemetry/metrics.h"
#include "seats/commands.h"

namespace florin::store {
class Store;
}

namespace florin::seats {

/// What a client asks for; checked by its face.
struct HoldRequest {
    std::string event_id;
    std::vector<std::string> seat_ids;  // either these,
    std::int64_t quantity = 0;          // or how many to choose
    std::string user_id;
    Money total_price;
    std::optional<Seconds> hold_for;  // nothing: the service's own
    std::string idempotency_key;      // empty: none
};

struct ServiceSettings {
    Seconds hold_for{300};
    Seconds hold_for_max{3'600};
    UnknownEvents unknown_events = UnknownEvents::Refuse;
};

struct EventDetails {
    SeatedEvent event;
    SeatCounts counts;
};

/// Counts what becomes of reservations: florin_reservations_total{status}. Copies count together.
class ReservationCounters {
public:
    explicit ReservationCounters(telemetry::Metrics& metrics);
    void count(Reservation::State state);

private:
    telemetry::Counter holds_;
    telemetry::Counter confirmed_;
    telemetry::Counter cancelled_;
    telemetry::Counter expired_;
};

/// Reservations of seats: held, confirmed, cancelled. Every change is idempotent and moves the
/// seats in the same transaction. One object a loop. Every call may throw `Overloaded` and
/// `StoreFault`.
class ReservationService {
public:
    using HoldExpected = std::function<void(Instant due)>;

    /// `hold_expected` is told when each new hold is over. The references outlive this object.
    ReservationService(store::Store& store, const Clock& clock, UuidGenerator ids,
                       ServiceSettings settings, HoldExpected hold_expected,
                       telemetry::Metrics& metrics);

    [[nodiscard]] const ServiceSettings& settings() const { return settings_; }

    /// Asking again with the same seats changes nothing.
    awaitable<Answer<MadeEvent>> make_event(std::string id, std::vector<std::string> seats);
    awaitable<std::optional<EventDetails>> find_event(std::string id);
    awaitable<std::vector<SeatedEvent>> list_events(std::string after, int limit);
    /// Nothing when there is no such event.
    awaitable<std::optional<std::vector<Seat>>> list_seats(SeatFilter filter);

    awaitable<Answer<Held>> hold(HoldRequest request);
    awaitable<std::optional<Reservation>> find(Uuid id);
    awaitable<std::vector<Reservation>> list(ReservationFilter filter);
    /// `request.now` is filled in.
    awaitable<Answer<Moved>> apply(Move request);

private:
    NewHold prepare(HoldRequest request);

    store::Store& store_;
    const Clock& clock_;
    UuidGenerator ids_;
    const ServiceSettings settings_;
    HoldExpected hold_expected_;
    ReservationCounters counters_;
};

}  // namespace florin::seats
