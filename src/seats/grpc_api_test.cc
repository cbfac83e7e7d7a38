#include "seats/grpc_api.h"

#include <gtest/gtest.h>

#include "platform/base/require.h"
#include "platform/grpc/fake_call.h"
#include "proto/reservation/v1/inventory.pb.h"
#include "seats/test_world.h"

namespace florin::seats {
namespace {

namespace pb = ::reservation::v1;
using State = Reservation::State;

/// The gRPC face over a world.
class InventoryWorld : public TestWorld {
public:
    explicit InventoryWorld(http::AdminAccess chosen = {}) : access(std::move(chosen)) {
        add_inventory_service(services, *service, access);
    }

    template <class Response, class Request>
    grpc::Reply<Response> call(std::string_view name, const Request& request) {
        const auto* method = services.find("/reservation.v1.InventoryService/" + std::string(name));
        require(method != nullptr, "the method exists");
        const std::string bytes = request.SerializeAsString();
        std::string answer;
        grpc::Status status = get(method->unary(fake_call, bytes, answer));
        if (!status.ok()) return std::unexpected(std::move(status));
        Response response;
        require(response.ParseFromString(answer), "the answer is a message");
        return response;
    }
    grpc::Reply<pb::CommitReservationResponse> commit(const Reservation& reservation,
                                                      const std::string& payment = "pay-1") {
        pb::CommitReservationRequest request;
        request.set_reservation_id(wire_id(reservation.id));
        request.set_event_id(reservation.event_id);
        for (const auto& seat : reservation.seat_ids) request.add_seat_ids(seat);
        request.set_payment_intent_id(payment);
        return call<pb::CommitReservationResponse>("CommitReservation", request);
    }
    grpc::Reply<pb::ReleaseHoldResponse> release(const std::string& id, const std::string& reason) {
        pb::ReleaseHoldRequest request;
        request.set_reservation_id(id);
        request.set_reason(reason);
        return call<pb::ReleaseHoldResponse>("ReleaseHold", request);
    }
    grpc::Reply<pb::ReleaseHoldResponse> release(const Reservation& reservation,
                                                 const std::string& reason = "FAILED_PAYMENT") {
        return release(wire_id(reservation.id), reason);
    }

    const http::AdminAccess access;
    grpc::Services services;
    grpc::FakeCall fake_call;
};

TEST(Inventory, CommitsAHoldOrWhatWasConfirmedBefore) {
    InventoryWorld world;
    const auto held = world.hold({"1", "2"});
    const auto first = world.commit(held);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->status(), pb::COMMIT_STATUS_SUCCESS);
    EXPECT_EQ(first->order_id(), order_id(held.id));
    ASSERT_EQ(first->sold_seats_size(), 2);
    EXPECT_EQ(first->sold_seats(0).status(), common::v1::SEAT_STATUS_SOLD);
    EXPECT_EQ(world.stored(held).state, State::Confirmed);
    const auto again = world.commit(held);
    EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
    EXPECT_EQ(world.counts(), (SeatCounts{8, 0, 2}));
}

TEST(Inventory, SaysWhyAPaymentGetsNoSeats) {
    InventoryWorld world;
    const auto expired = world.hold({"1"});
    world.advance(Seconds(300));
    EXPECT_EQ(world.commit(expired)->status(), pb::COMMIT_STATUS_FAILED_EXPIRED);
    EXPECT_EQ(world.commit(expired)->error().code(), common::v1::ERROR_CODE_RESERVATION_EXPIRED);
    const auto cancelled = world.hold({"2"});
    world.apply(cancelled, Target::Cancel).value();
    EXPECT_EQ(world.commit(cancelled)->status(), pb::COMMIT_STATUS_FAILED_CONFLICT);
    const auto paid = world.hold({"3"});
    ASSERT_TRUE(world.commit(paid, "pay-1"));
    const auto second = world.commit(paid, "pay-2");
    EXPECT_EQ(second->status(), pb::COMMIT_STATUS_FAILED_CONFLICT);
    EXPECT_NE(second->error().message().find("another payment"), std::string::npos);
    auto unknown = paid;
    unknown.id = Uuid();
    EXPECT_EQ(world.commit(unknown).error().code, grpc::Code::NotFound);
    auto other_seats = paid;
    other_seats.seat_ids = {"4"};
    EXPECT_EQ(world.commit(other_seats)->status(), pb::COMMIT_STATUS_FAILED_CONFLICT);
}

TEST(Inventory, ReleasesAHoldOnce) {
    InventoryWorld world;
    const auto held = world.hold({"1", "2"});
    const auto first = world.release(held);
    EXPECT_EQ(first->status(), pb::RELEASE_STATUS_SUCCESS);
    EXPECT_EQ(first->released_seats_size(), 2);
    EXPECT_EQ(world.stored(held).state, State::Cancelled);
    EXPECT_EQ(world.release(held)->status(), pb::RELEASE_STATUS_ALREADY_RELEASED);
    EXPECT_EQ(world.release(held, "EXPIRED")->status(), pb::RELEASE_STATUS_ALREADY_RELEASED);
    EXPECT_EQ(world.counts(), (SeatCounts{10, 0, 0}));
    const auto over = world.hold({"1"});
    EXPECT_EQ(world.release(over, "EXPIRED")->status(), pb::RELEASE_STATUS_SUCCESS);
    EXPECT_EQ(world.stored(over).state, State::Expired);
}

TEST(Inventory, NeverReleasesWhatIsSold) {
    InventoryWorld world;
    const auto sold = world.hold({"1"});
    ASSERT_TRUE(world.commit(sold));
    const auto answer = world.release(sold);
    EXPECT_EQ(answer->status(), pb::RELEASE_STATUS_NOT_FOUND);
    EXPECT_NE(answer->error().message().find("sold"), std::string::npos);
    EXPECT_EQ(world.counts(), (SeatCounts{9, 0, 1}));
    EXPECT_EQ(world.release("rsv-1", "")->status(), pb::RELEASE_STATUS_NOT_FOUND);
}

TEST(Inventory, AsksForTheOperatorsTokenWhereThereIsOne) {
    InventoryWorld world({.token = "s3cret", .token_required = true});
    const auto held = world.hold({"1"});
    EXPECT_EQ(world.commit(held).error().code, grpc::Code::Unauthenticated);
    EXPECT_EQ(world.release(held).error().code, grpc::Code::Unauthenticated);
    world.fake_call.headers["authorization"] = "Bearer s3cret";
    EXPECT_EQ(world.commit(held)->status(), pb::COMMIT_STATUS_SUCCESS);
    InventoryWorld closed({.token = "", .token_required = true});
    EXPECT_EQ(closed.commit(held).error().code, grpc::Code::PermissionDenied);
}

}  // namespace
}  // namespace florin::seats
