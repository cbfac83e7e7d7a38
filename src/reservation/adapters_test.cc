#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/grpc/server.h"
#include "platform/runtime/result_of.h"
#include "proto/reservation/v1/inventory.pb.h"
#include "reservation/grpc_inventory.h"
#include "reservation/http_reservation_api.h"

namespace florin::reservation {
namespace {

namespace pb = ::reservation::v1;

ReservationEvent some_event() {
    ReservationEvent event;
    event.type = "payment.approved";
    event.reservation_id = "rsv/1?x";
    event.payment_intent_id = "pay-1";
    event.event_id = "concert";
    event.seat_ids = {"A-1", "A-2"};
    event.quantity = 2;
    event.user_id = "user-1";
    event.trace_id = "trace-1";
    return event;
}

template <class Result>
std::string verdict(const Result& result) {
    if (result) return "done";
    return result.error().kind == CallFailure::Kind::Passing ? "passing" : "final";
}

class HttpReservationApiTest : public ::testing::Test {
protected:
    HttpReservationApi api_of(Milliseconds deadline = Seconds(5)) {
        return {http, *http::parse_url(service.url() + "/base/"), deadline};
    }
    void answer_with(unsigned status, const std::string& body = "{}") {
        service.answer = [status, body](const http::Request&) { return http::json(status, body); };
    }
    std::string set_status() {
        auto api = api_of();
        return verdict(runtime::result_of(loop, api.set_status(some_event(), "CONFIRMED")));
    }

    runtime::Loop loop{"reservation api test"};
    http::Client http{loop, {}};
    aws::testing::FakeEndpoint service{loop};
};

TEST_F(HttpReservationApiTest, AStatusIsPatchedUnderTheEventsKey) {
    EXPECT_EQ(set_status(), "done");
    const auto& request = service.requests.front();
    EXPECT_EQ(request.method, "PATCH");
    EXPECT_EQ(request.path, "/base/internal/reservations/rsv%2F1?x") << "one segment on the wire";
    EXPECT_TRUE(request.query.empty());
    EXPECT_EQ(request.body, R"({"status":"CONFIRMED"})");
    EXPECT_EQ(request.headers.get("Content-Type"), "application/json");
    EXPECT_EQ(request.headers.get("Idempotency-Key"), "payment%2Eapproved%3Arsv%2F1%3Fx%3Apay-1");
    EXPECT_EQ(request.headers.get("X-Correlation-ID"), "trace-1");
}

TEST_F(HttpReservationApiTest, ATokenIsSentWhereThereIsOne) {
    EXPECT_EQ(set_status(), "done");
    EXPECT_EQ(service.requests.front().headers.get("Authorization"), "");
    HttpReservationApi api(http, *http::parse_url(service.url()), Seconds(5), "s3cret");
    EXPECT_EQ(verdict(runtime::result_of(loop, api.set_status(some_event(), "CONFIRMED"))), "done");
    EXPECT_EQ(service.requests.back().headers.get("Authorization"), "Bearer s3cret");
}

TEST_F(HttpReservationApiTest, AConflictSaysThatSomebodyWasFirst) {
    answer_with(409);
    EXPECT_EQ(set_status(), "done");
}

TEST_F(HttpReservationApiTest, OnlyARefusalOfTheReservationItselfIsFinal) {
    for (const unsigned status : {400U, 404U, 422U}) {
        answer_with(status);
        EXPECT_EQ(set_status(), "final") << status;
    }
    for (const unsigned status : {401U, 403U, 408U, 429U, 500U, 503U}) {
        answer_with(status);
        EXPECT_EQ(set_status(), "passing") << status;
    }
}

TEST_F(HttpReservationApiTest, AnApiThatNeverAnswersIsPassing) {
    service.holds = [](const http::Request&) { return true; };
    auto api = api_of(Milliseconds(20));
    EXPECT_EQ(verdict(runtime::result_of(loop, api.set_status(some_event(), "CONFIRMED"))),
              "passing");
    service.holds = {};
}

TEST_F(HttpReservationApiTest, AReservationTellsItsSeats) {
    answer_with(200, R"({"event_id":"concert","seat_ids":["A-1",7,"A-2"],"quantity":2})");
    auto api = api_of();
    const auto found = runtime::result_of(loop, api.find(some_event()));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->event_id, "concert");
    EXPECT_EQ(found->seat_ids, (std::vector<std::string>{"A-1", "A-2"}));
    for (const auto& [status, body] : {std::pair{404U, "{}"}, {200U, "[]"}, {200U, "oops"}}) {
        answer_with(status, body);
        const auto none = runtime::result_of(loop, api.find(some_event()));
        ASSERT_TRUE(none);
        EXPECT_TRUE(none->seat_ids.empty());
    }
    answer_with(500);
    EXPECT_EQ(verdict(runtime::result_of(loop, api.find(some_event()))), "passing");
}

/// An inventory in this process that answers what a test says.
class GrpcInventoryTest : public ::testing::Test {
protected:
    GrpcInventoryTest() {
        constexpr const char* service = "reservation.v1.InventoryService";
        services.unary<pb::CommitReservationRequest, pb::CommitReservationResponse>(
            service, "CommitReservation",
            [this](grpc::Call& call, const pb::CommitReservationRequest& request) {
                token = call.metadata("authorization");
                return commit(request);
            });
        services.unary<pb::ReleaseHoldRequest, pb::ReleaseHoldResponse>(
            service, "ReleaseHold", [this](grpc::Call&, const pb::ReleaseHoldRequest& request) {
                return release(request);
            });
        grpc::ServerOptions options;
        options.address = "127.0.0.1";
        server = std::make_unique<grpc::Server>(loop, services, options, metrics);
        grpc::ChannelOptions address;
        address.port = server->listen();
        inventory.emplace(loop, address, Seconds(5), "s3cret");
    }
    awaitable<grpc::Reply<pb::CommitReservationResponse>> commit(
        pb::CommitReservationRequest request) {
        committed = std::move(request);
        if (code != grpc::Code::Ok) co_return std::unexpected(grpc::Status{code, "no"});
        pb::CommitReservationResponse response;
        response.set_status(static_cast<pb::CommitStatus>(status));
        co_return response;
    }
    awaitable<grpc::Reply<pb::ReleaseHoldResponse>> release(pb::ReleaseHoldRequest request) {
        released = std::move(request);
        if (code != grpc::Code::Ok) co_return std::unexpected(grpc::Status{code, "no"});
        pb::ReleaseHoldResponse response;
        response.set_status(static_cast<pb::ReleaseStatus>(status));
        co_return response;
    }
    std::string try_commit() {
        return verdict(runtime::result_of(loop, inventory->commit(some_event())));
    }
    std::string try_release() {
        return verdict(runtime::result_of(loop, inventory->release(some_event(), "EXPIRED")));
    }

    runtime::Loop loop{"inventory test"};
    telemetry::Metrics metrics;
    grpc::Services services;
    std::unique_ptr<grpc::Server> server;
    std::optional<GrpcInventory> inventory;
    grpc::Code code = grpc::Code::Ok;
    int status = 1;
    std::string token;  // of the latest commit
    pb::CommitReservationRequest committed;
    pb::ReleaseHoldRequest released;
};

TEST_F(GrpcInventoryTest, CallsCarryEverythingTheEventTells) {
    EXPECT_EQ(try_commit(), "done");
    EXPECT_EQ(committed.reservation_id(), "rsv/1?x");
    EXPECT_EQ(committed.event_id(), "concert");
    EXPECT_EQ(committed.seat_ids_size(), 2);
    EXPECT_EQ(committed.quantity(), 2);
    EXPECT_EQ(committed.payment_intent_id(), "pay-1");
    EXPECT_EQ(committed.user_id(), "user-1");
    EXPECT_EQ(committed.idempotency_key(), some_event().key());
    EXPECT_EQ(token, "Bearer s3cret");
    EXPECT_EQ(try_release(), "done");
    EXPECT_EQ(released.reason(), "EXPIRED");
    EXPECT_EQ(released.idempotency_key(), some_event().key());
}

TEST_F(GrpcInventoryTest, AFailedCommitIsNotHidden) {
    for (const auto& [told, expected] :
         {std::pair{0, "done"}, {1, "done"}, {2, "final"}, {3, "final"}, {4, "final"}}) {
        status = told;
        EXPECT_EQ(try_commit(), expected) << told;
    }
}

TEST_F(GrpcInventoryTest, SeatsThatNobodyHoldsAreReleased) {
    for (const auto& [told, expected] :
         {std::pair{0, "done"}, {1, "done"}, {2, "done"}, {3, "done"}, {4, "passing"}}) {
        status = told;
        EXPECT_EQ(try_release(), expected) << told;
    }
}

TEST_F(GrpcInventoryTest, CodesSayWhetherItMaySucceedLater) {
    code = grpc::Code::Unavailable;
    EXPECT_EQ(try_commit(), "passing");
    EXPECT_EQ(try_release(), "passing");
    code = grpc::Code::InvalidArgument;
    EXPECT_EQ(try_commit(), "final");
    EXPECT_EQ(try_release(), "final");
    code = grpc::Code::NotFound;
    EXPECT_EQ(try_commit(), "final");
    EXPECT_EQ(try_release(), "done");
    code = grpc::Code::AlreadyExists;
    EXPECT_EQ(try_commit(), "done");
}

}  // namespace
}  // namespace florin::reservation
