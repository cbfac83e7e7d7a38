// The reservation worker's own steps against the service, as one process runs them.
#include "seats/local_services.h"

#include <gtest/gtest.h>

#include "reservation/handler.h"
#include "seats/test_world.h"

namespace florin::seats {
namespace {

using Event = reservation::ReservationEvent;
using Kind = reservation::HandlerResult::Kind;
using State = Reservation::State;

class WorkerWorld : public TestWorld {
public:
    reservation::HandlerResult handle(const Reservation& reservation, Event::Kind kind,
                                      std::string payment = "pay-1") {
        Event event;
        event.kind = kind;
        event.reservation_id = wire_id(reservation.id);
        event.payment_intent_id = std::move(payment);
        return get(handler.handle(std::move(event)));
    }

    LocalServices services{*service};
    reservation::Handler handler{services, services};
};

TEST(LocalServices, APaymentConfirmsItsReservation) {
    WorkerWorld world;
    const auto held = world.hold({"1", "2"});
    EXPECT_EQ(world.handle(held, Event::Kind::Approved).kind, Kind::Done);
    EXPECT_EQ(world.stored(held).state, State::Confirmed);
    EXPECT_EQ(world.stored(held).payment_intent_id, "pay-1");
    EXPECT_EQ(world.handle(held, Event::Kind::Approved).kind, Kind::Done);
    EXPECT_EQ(world.counts(), (SeatCounts{8, 0, 2}));
}

TEST(LocalServices, WhatWasNotPaidGivesItsSeatsBack) {
    WorkerWorld world;
    const auto failed = world.hold({"1"});
    const auto cancelled = world.hold({"2"});
    const auto expired = world.hold({"3"});
    for (int attempt = 0; attempt < 2; ++attempt) {
        EXPECT_EQ(world.handle(failed, Event::Kind::Failed).kind, Kind::Done);
        EXPECT_EQ(world.handle(cancelled, Event::Kind::Cancelled).kind, Kind::Done);
        EXPECT_EQ(world.handle(expired, Event::Kind::Expired).kind, Kind::Done);
    }
    EXPECT_EQ(world.stored(failed).state, State::Cancelled);
    EXPECT_EQ(world.stored(cancelled).state, State::Cancelled);
    EXPECT_EQ(world.stored(expired).state, State::Expired);
    EXPECT_EQ(world.counts(), (SeatCounts{10, 0, 0}));
}

TEST(LocalServices, AFailedSecondAttemptTakesNothingFromWhatIsSold) {
    WorkerWorld world;
    const auto held = world.hold({"1"});
    ASSERT_EQ(world.handle(held, Event::Kind::Approved).kind, Kind::Done);
    EXPECT_EQ(world.handle(held, Event::Kind::Failed, "pay-2").kind, Kind::Done);
    EXPECT_EQ(world.counts(), (SeatCounts{9, 0, 1}));
}

TEST(LocalServices, APaymentThatGetsNoSeatsWaitsForAPerson) {
    WorkerWorld world;
    const auto expired = world.hold({"1"});
    world.advance(Seconds(300));
    EXPECT_EQ(world.handle(expired, Event::Kind::Approved).kind, Kind::Park);
    const auto paid = world.hold({"2"});
    ASSERT_EQ(world.handle(paid, Event::Kind::Approved, "pay-1").kind, Kind::Done);
    const auto second = world.handle(paid, Event::Kind::Approved, "pay-2");
    EXPECT_EQ(second.kind, Kind::Park);
    EXPECT_NE(second.error_message.find("another payment"), std::string::npos);
    auto unknown = paid;
    unknown.id = Uuid();
    EXPECT_EQ(world.handle(unknown, Event::Kind::Approved).kind, Kind::Park);
}

TEST(LocalServices, AreConcernedByReservationsOfTheirFormOnly) {
    EXPECT_TRUE(LocalServices::concern("rsv-01890a5d-ac96-774b-bcce-b302099a8057"));
    EXPECT_FALSE(LocalServices::concern("rsv-1"));
    EXPECT_FALSE(LocalServices::concern("order-1"));
}

}  // namespace
}  // namespace florin::seats
