#include "seats/reservation.h"

#include <gtest/gtest.h>

namespace florin::seats {
namespace {

using State = Reservation::State;

Instant at(std::int64_t second) {
    return instant_from_unix_us(second * 1'000'000);
}

Reservation held() {
    Reservation reservation;
    reservation.created_at = at(0);
    reservation.expires_at = at(300);
    reservation.due_at = reservation.expires_at;
    return reservation;
}

TEST(Reservation, IsConfirmedByAPayment) {
    auto reservation = held();
    EXPECT_EQ(reservation.confirm("pay-1", at(10)), Change::Moved);
    EXPECT_EQ(reservation.state, State::Confirmed);
    EXPECT_EQ(reservation.payment_intent_id, "pay-1");
    EXPECT_EQ(reservation.updated_at, at(10));
    EXPECT_FALSE(reservation.due_at);
}

TEST(Reservation, ARepeatIsASuccessThatChangesNothing) {
    auto confirmed = held();
    ASSERT_TRUE(confirmed.confirm("pay-1", at(10)));
    EXPECT_EQ(confirmed.confirm("pay-1", at(20)), Change::None);
    EXPECT_EQ(confirmed.confirm("", at(20)), Change::None);
    EXPECT_EQ(confirmed.updated_at, at(10));
    auto cancelled = held();
    ASSERT_TRUE(cancelled.cancel(at(10)));
    EXPECT_EQ(cancelled.cancel(at(20)), Change::None);
    auto expired = held();
    ASSERT_TRUE(expired.expire(at(300)));
    EXPECT_EQ(expired.expire(at(310)), Change::None);
    EXPECT_EQ(expired.updated_at, at(300));
}

TEST(Reservation, AContradictionIsRefusedWithTheReason) {
    struct Case {
        State state;
        StateRefusal refusal;
    };
    for (const auto& [state, refusal] : {Case{State::Confirmed, StateRefusal::AlreadyConfirmed},
                                         Case{State::Cancelled, StateRefusal::AlreadyCancelled},
                                         Case{State::Expired, StateRefusal::AlreadyExpired}}) {
        SCOPED_TRACE(name_of(state));
        auto reservation = held();
        reservation.state = state;
        reservation.due_at.reset();
        if (state != State::Confirmed) EXPECT_EQ(reservation.confirm("", at(1)).error(), refusal);
        if (state != State::Cancelled) EXPECT_EQ(reservation.cancel(at(1)).error(), refusal);
        if (state != State::Expired) EXPECT_EQ(reservation.expire(at(1)).error(), refusal);
        EXPECT_EQ(reservation.state, state);
    }
}

TEST(Reservation, LearnsItsPaymentAfterItWasConfirmed) {
    auto reservation = held();
    ASSERT_TRUE(reservation.confirm("", at(10)));
    EXPECT_EQ(reservation.confirm("pay-1", at(20)), Change::Noted);
    EXPECT_EQ(reservation.payment_intent_id, "pay-1");
}

TEST(Reservation, IsNotPaidTwice) {
    auto reservation = held();
    ASSERT_TRUE(reservation.confirm("pay-1", at(10)));
    EXPECT_EQ(reservation.confirm("pay-2", at(20)).error(), StateRefusal::PaidByAnother);
    EXPECT_EQ(reservation.payment_intent_id, "pay-1");
}

TEST(Reservation, CanBeConfirmedLateWhileItsSeatsAreThere) {
    auto reservation = held();
    EXPECT_EQ(reservation.confirm("pay-1", at(301)), Change::Moved);
}

TEST(Reservation, NamesReadBack) {
    for (const auto state : {State::Hold, State::Confirmed, State::Cancelled, State::Expired})
        EXPECT_EQ(state_named(name_of(state)), state);
    EXPECT_EQ(state_named("PAID"), std::nullopt);
    const auto id = *parse_uuid("01890a5d-ac96-774b-bcce-b302099a8057");
    EXPECT_EQ(wire_id(id), "rsv-01890a5d-ac96-774b-bcce-b302099a8057");
    EXPECT_EQ(parse_wire_id(wire_id(id)), id);
    EXPECT_EQ(parse_wire_id("rsv-1"), std::nullopt);
    EXPECT_EQ(parse_wire_id(id.text()), std::nullopt);
}

}  // namespace
}  // namespace florin::seats
