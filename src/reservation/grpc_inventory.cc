#include "reservation/grpc_inventory.h"

#include "proto/reservation/v1/inventory.pb.h"

namespace florin::reservation {
namespace {

namespace pb = ::reservation::v1;
using Kind = CallFailure::Kind;

constexpr std::string_view commit_path = "/reservation.v1.InventoryService/CommitReservation";
constexpr std::string_view release_path = "/reservation.v1.InventoryService/ReleaseHold";

std::unexpected<CallFailure> failure(Kind kind, std::string text) {
    return std::unexpected(CallFailure{kind, std::move(text)});
}

/// Whether the same call may succeed later.
Kind kind_of(grpc::Code code) {
    switch (code) {
        case grpc::Code::InvalidArgument:
        case grpc::Code::NotFound:
        case grpc::Code::FailedPrecondition:
        case grpc::Code::OutOfRange:
        case grpc::Code::DataLoss:
            return Kind::Final;
        case grpc::Code::Ok:
        case grpc::Code::Cancelled:
        case grpc::Code::Unknown:
        case grpc::Code::DeadlineExceeded:
        case grpc::Code::AlreadyExists:
        case grpc::Code::PermissionDenied:
        case grpc::Code::ResourceExhausted:
        case grpc::Code::Aborted:
        case grpc::Code::Unimplemented:
        case grpc::Code::Internal:
        case grpc::Code::Unavailable:
        case grpc::Code::Unauthenticated:
            break;
    }
    return Kind::Passing;
}

template <class Request>
Request request_of(const ReservationEvent& event) {
    Request request;
    request.set_reservation_id(event.reservation_id);
    request.set_event_id(event.event_id);
    for (const auto& seat : event.seat_ids) request.add_seat_ids(seat);
    request.set_quantity(event.quantity);
    request.set_idempotency_key(event.key());
    return request;
}

}  // namespace

grpc::CallOptions GrpcInventory::options_for(const ReservationEvent& event) const {
    grpc::CallOptions options;
    options.deadline = deadline_;
    if (!token_.empty()) options.metadata.emplace_back("authorization", "Bearer " + token_);
    if (!event.trace_id.empty()) options.metadata.emplace_back("x-correlation-id", event.trace_id);
    return options;
}

awaitable<CallResult> GrpcInventory::commit(ReservationEvent event) {
    auto request = request_of<pb::CommitReservationRequest>(event);
    request.set_payment_intent_id(event.payment_intent_id);
    request.set_user_id(event.user_id);
    const auto answer = co_await channel_.call<pb::CommitReservationResponse>(commit_path, request,
                                                                              options_for(event));
    if (!answer) {
        if (answer.error().code == grpc::Code::AlreadyExists) co_return CallResult();
        co_return failure(kind_of(answer.error().code),
                          "CommitReservation: " + answer.error().message);
    }
    // Servers that do not fill the status in have done what they were asked.
    if (answer->status() == pb::COMMIT_STATUS_UNSPECIFIED ||
        answer->status() == pb::COMMIT_STATUS_SUCCESS)
        co_return CallResult();
    std::string text = "CommitReservation was answered " + pb::CommitStatus_Name(answer->status());
    if (answer->has_error()) text += ": " + answer->error().message();
    co_return failure(Kind::Final, std::move(text));
}

awaitable<CallResult> GrpcInventory::release(ReservationEvent event, std::string reason) {
    auto request = request_of<pb::ReleaseHoldRequest>(event);
    request.set_reason(std::move(reason));
    const auto answer =
        co_await channel_.call<pb::ReleaseHoldResponse>(release_path, request, options_for(event));
    if (!answer) {
        if (answer.error().code == grpc::Code::NotFound) co_return CallResult();
        co_return failure(kind_of(answer.error().code), "ReleaseHold: " + answer.error().message);
    }
    if (answer->status() == pb::RELEASE_STATUS_FAILED)
        co_return failure(Kind::Passing, "ReleaseHold was answered RELEASE_STATUS_FAILED");
    co_return CallResult();
}

}  // namespace florin::reservation
