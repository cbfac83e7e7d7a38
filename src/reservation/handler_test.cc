#include "reservation/handler.h"

#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/runtime/result_of.h"
#include "reservation/test_world.h"

namespace florin::reservation {
namespace {

using Kind = HandlerResult::Kind;
using Lines = std::vector<std::string>;

ReservationEvent event_of(ReservationEvent::Kind kind) {
    ReservationEvent event;
    event.kind = kind;
    event.type = "payment.approved";
    event.reservation_id = "rsv-1";
    event.event_id = "concert";
    event.seat_ids = {"B-1"};
    return event;
}

class HandlerTest : public ::testing::Test {
protected:
    Kind handle(ReservationEvent event) {
        services.calls.clear();
        return runtime::result_of(loop, handler.handle(std::move(event))).kind;
    }

    runtime::Loop loop{"handler test"};
    testing::FakeServices services;
    Handler handler{services, services};
};

TEST_F(HandlerTest, StepsComeInTheirOrder) {
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Approved)), Kind::Done);
    EXPECT_EQ(services.calls, (Lines{"CONFIRMED rsv-1", "commit concert/B-1"}));
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Failed)), Kind::Done);
    EXPECT_EQ(services.calls, (Lines{"CANCELLED rsv-1", "release concert/B-1 FAILED_PAYMENT"}));
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Cancelled)), Kind::Done);
    EXPECT_EQ(services.calls, (Lines{"CANCELLED rsv-1", "release concert/B-1 CANCELLED"}));
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Expired)), Kind::Done);
    EXPECT_EQ(services.calls, (Lines{"release concert/B-1 EXPIRED", "EXPIRED rsv-1"}));
}

TEST_F(HandlerTest, SeatsThatAreNotNamedAreAskedFor) {
    auto event = event_of(ReservationEvent::Kind::Approved);
    event.event_id.clear();
    event.seat_ids.clear();
    EXPECT_EQ(handle(event), Kind::Done);
    EXPECT_EQ(services.calls, (Lines{"find rsv-1", "CONFIRMED rsv-1", "commit concert/A-1/A-2"}));
    services.view = {};
    EXPECT_EQ(handle(event), Kind::Done);
    EXPECT_EQ(services.calls, (Lines{"find rsv-1", "CONFIRMED rsv-1"}));
}

TEST_F(HandlerTest, AServiceThatIsAwayStopsTheStepsUntilLater) {
    services.failures["CONFIRMED"] = CallFailure::Kind::Passing;
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Approved)), Kind::Retry);
    EXPECT_EQ(services.calls, Lines{"CONFIRMED rsv-1"});
    services.failures = {{"find", CallFailure::Kind::Passing}};
    auto event = event_of(ReservationEvent::Kind::Failed);
    event.seat_ids.clear();
    EXPECT_EQ(handle(event), Kind::Retry);
    EXPECT_EQ(services.calls, Lines{"find rsv-1"});
}

TEST_F(HandlerTest, AnInventoryThatFailsIsNotHidden) {
    services.failures["commit"] = CallFailure::Kind::Passing;
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Approved)), Kind::Retry);
    services.failures["commit"] = CallFailure::Kind::Final;
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Approved)), Kind::Park);
}

TEST_F(HandlerTest, WhatIsRefusedForGoodIsParked) {
    services.failures["CANCELLED"] = CallFailure::Kind::Final;
    EXPECT_EQ(handle(event_of(ReservationEvent::Kind::Failed)), Kind::Park);
    EXPECT_EQ(services.calls, Lines{"CANCELLED rsv-1"});
}

}  // namespace
}  // namespace florin::reservation
