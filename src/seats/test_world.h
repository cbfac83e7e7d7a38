#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"
#include "seats/expiry.h"
#include "seats/reservation_service.h"

namespace florin::seats {

/// The service on one loop, over a real store, with a clock that stands still until it is moved.
/// `stadium` has the seats 1 to 10 from the start.
class TestWorld {
public:
    explicit TestWorld(UnknownEvents unknown_events = UnknownEvents::Refuse)
        : settings{.unknown_events = unknown_events} {
        open();
        static_cast<void>(get(service->make_event("stadium", numbered_seats(10))).value());
    }
    ~TestWorld() { close(); }
    TestWorld(const TestWorld&) = delete;
    TestWorld& operator=(const TestWorld&) = delete;

    /// Ends the process, as far as the store can tell, and starts it again.
    void restart() {
        close();
        open();
    }

    void run(awaitable<void> task) { runtime::run_until_done(*loop, std::move(task)); }

    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop, std::move(task));
    }

    static HoldRequest request(std::vector<std::string> seats, std::string user = "user-1") {
        HoldRequest asked;
        asked.event_id = "stadium";
        asked.seat_ids = std::move(seats);
        asked.user_id = std::move(user);
        asked.total_price = {50'000, Currency::krw()};
        return asked;
    }
    Answer<Held> try_hold(HoldRequest asked) { return get(service->hold(std::move(asked))); }
    Reservation hold(std::vector<std::string> seats) {
        return try_hold(request(std::move(seats))).value().reservation;
    }
    Answer<Moved> apply(const Reservation& reservation, Target target, std::string payment = "") {
        Move move;
        move.reservation = reservation.id;
        move.target = target;
        move.payment_intent_id = std::move(payment);
        return get(service->apply(std::move(move)));
    }
    Reservation stored(const Reservation& reservation) {
        return get(service->find(reservation.id)).value();
    }
    SeatCounts counts(std::string event = "stadium") {
        return get(service->find_event(std::move(event))).value().counts;
    }
    /// Moves the clock and lets the expiry clock do its pass; how many holds it ended.
    std::size_t advance(Microseconds by) {
        clock.advance(by);
        return get(expiry->expire_due());
    }

    store::TestDatabase database;
    ManualClock clock;
    const ServiceSettings settings;
    std::unique_ptr<telemetry::Metrics> metrics;
    std::unique_ptr<runtime::Loop> loop;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<ExpiryClock> expiry;
    std::unique_ptr<ReservationService> service;

private:
    void open() {
        metrics = std::make_unique<telemetry::Metrics>();
        loop = std::make_unique<runtime::Loop>("test");
        store = database.open(*metrics);
        expiry = std::make_unique<ExpiryClock>(*loop, *store, clock, *metrics);
        service = std::make_unique<ReservationService>(
            *store, clock, UuidGenerator(clock, ++seed_), settings,
            [this](Instant due) { expiry->expect(due); }, *metrics);
    }

    void close() {
        service.reset();
        expiry.reset();
        store.reset();
        loop.reset();
        metrics.reset();
    }

    std::uint64_t seed_ = 0;
};

}  // namespace florin::seats
