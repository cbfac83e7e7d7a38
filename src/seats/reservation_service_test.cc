#include "seats/reservation_service.h"

#include <gtest/gtest.h>

#include "platform/store/store.h"
#include "seats/test_world.h"

namespace florin::seats {
namespace {

using State = Reservation::State;

TEST(Reservations, AHoldTakesItsSeats) {
    TestWorld world;
    const auto reservation = world.hold({"3", "4"});
    EXPECT_EQ(reservation.state, State::Hold);
    EXPECT_EQ(reservation.expires_at, world.clock.now() + Seconds(300));
    EXPECT_EQ(world.stored(reservation).seat_ids, (std::vector<std::string>{"3", "4"}));
    EXPECT_EQ(world.counts(), (SeatCounts{8, 2, 0}));
    const auto taken = world.try_hold(TestWorld::request({"2", "4", "5"}));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().why, Refusal::SeatsTaken);
    EXPECT_EQ(taken.error().what, "4");
    EXPECT_EQ(world.counts(), (SeatCounts{8, 2, 0})) << "a refusal takes nothing";
}

TEST(Reservations, AQuantityTakesTheNextSeatsInOrder) {
    TestWorld world;
    world.hold({"2"});
    auto request = TestWorld::request({});
    request.quantity = 3;
    EXPECT_EQ(world.try_hold(request)->reservation.seat_ids,
              (std::vector<std::string>{"1", "3", "4"}));
    request.quantity = 7;
    const auto refused = world.try_hold(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, Refusal::NotEnoughSeats);
    EXPECT_EQ(refused.error().what, "6");
}

TEST(Reservations, SeatsThatDoNotExistAreRefused) {
    TestWorld world;
    EXPECT_EQ(world.try_hold(TestWorld::request({"1", "11"})).error().why, Refusal::SeatsUnknown);
    auto elsewhere = TestWorld::request({"1"});
    elsewhere.event_id = "nowhere";
    EXPECT_EQ(world.try_hold(elsewhere).error().why, Refusal::EventUnknown);
}

TEST(Reservations, AnEventMayComeWithItsFirstHold) {
    TestWorld world(UnknownEvents::Open);
    auto request = TestWorld::request({"A-1", "A-2"});
    request.event_id = "concert";
    const auto first = world.try_hold(request);
    ASSERT_TRUE(first) << explain(first.error());
    EXPECT_EQ(world.try_hold(request).error().why, Refusal::SeatsTaken);
    ASSERT_TRUE(world.apply(first->reservation, Target::Cancel));
    EXPECT_TRUE(world.try_hold(request)) << "a seat that came into being stays";
    EXPECT_EQ(world.counts("concert"), (SeatCounts{0, 2, 0}));
    request.seat_ids.clear();
    request.quantity = 1;
    EXPECT_EQ(world.try_hold(request).error().why, Refusal::SeatsNotListed);
}

TEST(Reservations, ConfirmingSellsTheSeatsAndCancellingGivesThemBack) {
    TestWorld world;
    const auto paid = world.hold({"1", "2"});
    const auto given_up = world.hold({"3"});
    EXPECT_EQ(world.apply(paid, Target::Confirm, "pay-1")->change, Change::Moved);
    EXPECT_EQ(world.apply(given_up, Target::Cancel)->change, Change::Moved);
    EXPECT_EQ(world.counts(), (SeatCounts{8, 0, 2}));
    EXPECT_EQ(world.apply(paid, Target::Confirm, "pay-1")->change, Change::None);
    EXPECT_EQ(world.apply(paid, Target::Cancel).error().why, Refusal::AlreadyConfirmed);
    EXPECT_EQ(world.apply(paid, Target::Confirm, "pay-2").error().why, Refusal::PaidByAnother);
    EXPECT_EQ(world.apply(given_up, Target::Confirm).error().why, Refusal::AlreadyCancelled);
    EXPECT_EQ(world.stored(paid).payment_intent_id, "pay-1");
    EXPECT_EQ(world.counts(), (SeatCounts{8, 0, 2}));
    world.restart();
    EXPECT_EQ(world.stored(paid).state, State::Confirmed);
    EXPECT_EQ(world.counts(), (SeatCounts{8, 0, 2}));
}

TEST(Reservations, AChangeThatSpeaksOfOtherSeatsIsRefused) {
    TestWorld world;
    const auto reservation = world.hold({"1", "2"});
    Move move;
    move.reservation = reservation.id;
    move.target = Target::Confirm;
    move.seats = {"1", "3"};
    EXPECT_EQ(world.get(world.service->apply(move)).error().why, Refusal::OtherSeats);
    move.seats = {"2", "1"};
    move.event_id = "concert";
    EXPECT_EQ(world.get(world.service->apply(move)).error().why, Refusal::OtherSeats);
    move.event_id = "stadium";
    EXPECT_TRUE(world.get(world.service->apply(move)));
    move.reservation = Uuid();
    EXPECT_EQ(world.get(world.service->apply(move)).error().why, Refusal::NotFound);
}

TEST(Reservations, AKeyMakesOneHold) {
    TestWorld world;
    auto request = TestWorld::request({"1"});
    request.idempotency_key = "order-1";
    const auto first = world.try_hold(request).value();
    EXPECT_FALSE(first.repeated);
    world.apply(first.reservation, Target::Confirm, "pay-1").value();
    const auto again = world.try_hold(request).value();
    EXPECT_TRUE(again.repeated);
    EXPECT_EQ(again.reservation.id, first.reservation.id);
    EXPECT_EQ(again.reservation.state, State::Confirmed);
    request.seat_ids = {"2"};
    EXPECT_EQ(world.try_hold(request).error().why, Refusal::KeyReused);
    request.user_id = "user-2";
    EXPECT_FALSE(world.try_hold(request)->repeated) << "a key belongs to its user";
}

TEST(Reservations, ARefusedKeyMayTryAgain) {
    TestWorld world;
    const auto first = world.hold({"1"});
    auto request = TestWorld::request({"1"}, "user-2");
    request.idempotency_key = "order-1";
    EXPECT_FALSE(world.try_hold(request));
    ASSERT_TRUE(world.apply(first, Target::Cancel));
    EXPECT_TRUE(world.try_hold(request));
}

TEST(Reservations, AnEventIsMadeOnce) {
    TestWorld world;
    EXPECT_TRUE(world.get(world.service->make_event("stadium", numbered_seats(10)))->repeated);
    EXPECT_EQ(world.get(world.service->make_event("stadium", {"A-1"})).error().why,
              Refusal::EventDiffers);
    world.hold({"1"});
    const auto made = world.get(world.service->make_event("stadium", numbered_seats(10)));
    EXPECT_EQ(made->counts, (SeatCounts{9, 1, 0}));
}

TEST(Reservations, AHoldThatIsOverGivesItsSeatsBack) {
    TestWorld world;
    const auto forgotten = world.hold({"1", "2"});
    auto longer = TestWorld::request({"3"});
    longer.hold_for = Seconds(301);
    ASSERT_TRUE(world.try_hold(longer));
    EXPECT_EQ(world.advance(Seconds(299)), 0U);
    EXPECT_EQ(world.advance(Seconds(1)), 1U);
    EXPECT_EQ(world.stored(forgotten).state, State::Expired);
    EXPECT_EQ(world.counts(), (SeatCounts{9, 1, 0}));
    EXPECT_EQ(world.apply(forgotten, Target::Confirm).error().why, Refusal::AlreadyExpired);
    EXPECT_EQ(world.apply(forgotten, Target::Expire)->change, Change::None);
    EXPECT_EQ(world.advance(Seconds(1)), 1U);
    EXPECT_EQ(world.counts(), (SeatCounts{10, 0, 0}));
}

TEST(Reservations, AConfirmedOneDoesNotExpire) {
    TestWorld world;
    const auto paid = world.hold({"1"});
    world.clock.advance(Seconds(301));
    ASSERT_TRUE(world.apply(paid, Target::Confirm)) << "late, and its seats are still there";
    EXPECT_EQ(world.advance(Seconds(0)), 0U);
    EXPECT_EQ(world.stored(paid).state, State::Confirmed);
}

TEST(Reservations, AreListedByUserAndEventInPages) {
    TestWorld world(UnknownEvents::Open);
    const auto first = world.hold({"1"});
    const auto second = world.try_hold(TestWorld::request({"2"}, "user-2"))->reservation;
    const auto third = world.hold({"3"});
    const auto ids = [&world](ReservationFilter filter) {
        std::vector<Uuid> found;
        for (const auto& reservation : world.get(world.service->list(std::move(filter))))
            found.push_back(reservation.id);
        return found;
    };
    EXPECT_EQ(ids({.user = "user-1"}), (std::vector{third.id, first.id}));
    EXPECT_EQ(ids({.event = "stadium"}), (std::vector{third.id, second.id, first.id}));
    EXPECT_EQ(ids({.user = "user-2", .event = "stadium"}), std::vector{second.id});
    EXPECT_EQ(ids({.user = "user-2", .event = "concert"}), std::vector<Uuid>{});
    EXPECT_EQ(ids({.before = third.id, .limit = 1}), std::vector{second.id});
}

TEST(Reservations, OnlyWhatGaveItsSeatsBackIsForgotten) {
    TestWorld world;
    const auto sold = world.hold({"1"});
    const auto given_up = world.hold({"2"});
    const auto held = world.hold({"3"});
    world.apply(sold, Target::Confirm).value();
    world.apply(given_up, Target::Cancel).value();
    const auto prune = [&world](Instant before) {
        return world.get(world.store->write(
            [before](store::Transaction& tx) { return prune_released(tx, before, 100); }));
    };
    EXPECT_EQ(prune(world.clock.now()), 0);
    EXPECT_EQ(prune(world.clock.now() + Seconds(1)), 1);
    EXPECT_FALSE(world.get(world.service->find(given_up.id)));
    EXPECT_EQ(world.stored(sold).state, State::Confirmed);
    EXPECT_EQ(world.stored(held).state, State::Hold);
}

}  // namespace
}  // namespace florin::seats
