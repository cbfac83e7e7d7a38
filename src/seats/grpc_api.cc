#include "seats/grpc_api.h"

#include <memory>
#include <string>
#include <utility>

#include "platform/crypto/hmac.h"
#include "platform/grpc/service.h"
#include "proto/reservation/v1/inventory.pb.h"
#include "seats/reservation_service.h"

namespace florin::seats {
namespace {

namespace pb = ::reservation::v1;
using grpc::Call;
using grpc::Code;
using grpc::Reply;
using grpc::Status;

constexpr const char* service_name = "reservation.v1.InventoryService";
constexpr std::size_t payment_id_bytes_max = 128;

void set_instant(google::protobuf::Timestamp& to, Instant at) {
    to.set_seconds(unix_seconds(at));
    to.set_nanos(static_cast<std::int32_t>(unix_us(at) % 1'000'000) * 1'000);
}

template <class Seats>
void add_seats(Seats& to, const Reservation& reservation, common::v1::SeatStatus status) {
    for (const auto& id : reservation.seat_ids) {
        auto& seat = *to.Add();
        seat.set_id(id);
        seat.set_status(status);
    }
}

common::v1::ErrorCode error_code_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::KeyReused:
            return common::v1::ERROR_CODE_IDEMPOTENCY_CONFLICT;
        case Refusal::EventUnknown:
        case Refusal::NotFound:
            return common::v1::ERROR_CODE_NOT_FOUND;
        case Refusal::EventDiffers:
            return common::v1::ERROR_CODE_ALREADY_EXISTS;
        case Refusal::SeatsNotListed:
        case Refusal::SeatsUnknown:
            return common::v1::ERROR_CODE_INVALID_ARGUMENT;
        case Refusal::NotEnoughSeats:
            return common::v1::ERROR_CODE_INSUFFICIENT_INVENTORY;
        case Refusal::AlreadyExpired:
            return common::v1::ERROR_CODE_RESERVATION_EXPIRED;
        case Refusal::SeatsTaken:
        case Refusal::OtherSeats:
        case Refusal::AlreadyConfirmed:
        case Refusal::AlreadyCancelled:
        case Refusal::PaidByAnother:
            break;
    }
    return common::v1::ERROR_CODE_INVENTORY_CONFLICT;
}

void set_error(common::v1::Error& error, const Call& call, const Refused& refused) {
    error.set_code(error_code_of(refused.why));
    error.set_message(explain(refused));
    error.set_trace_id(call.trace_id());
}

pb::CommitStatus commit_status_of(Refusal refusal) {
    return refusal == Refusal::AlreadyExpired ? pb::COMMIT_STATUS_FAILED_EXPIRED
                                              : pb::COMMIT_STATUS_FAILED_CONFLICT;
}

/// Nobody holds the seats any more, whether they went back or were sold: nothing is left to
/// release.
pb::ReleaseStatus release_status_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::AlreadyCancelled:
        case Refusal::AlreadyExpired:
            return pb::RELEASE_STATUS_ALREADY_RELEASED;
        case Refusal::AlreadyConfirmed:
        case Refusal::NotFound:
            return pb::RELEASE_STATUS_NOT_FOUND;
        case Refusal::KeyReused:
        case Refusal::EventUnknown:
        case Refusal::EventDiffers:
        case Refusal::SeatsNotListed:
        case Refusal::SeatsUnknown:
        case Refusal::SeatsTaken:
        case Refusal::NotEnoughSeats:
        case Refusal::OtherSeats:
        case Refusal::PaidByAnother:
            break;
    }
    return pb::RELEASE_STATUS_FAILED;
}

template <class Request>
Move move_of(const Request& request, const Uuid& id) {
    Move move;
    move.reservation = id;
    move.event_id = request.event_id();
    move.seats.assign(request.seat_ids().begin(), request.seat_ids().end());
    return move;
}

/// The face of one loop; its methods, which the table owns, share it.
class InventoryApi {
public:
    InventoryApi(ReservationService& service, const http::AdminAccess& access)
        : service_(service), access_(access) {}

    awaitable<Reply<pb::CommitReservationResponse>> commit(
        Call& call, const pb::CommitReservationRequest& request) {
        if (auto no = refuse(call)) co_return std::unexpected(std::move(*no));
        if (request.payment_intent_id().size() > payment_id_bytes_max) {
            co_return std::unexpected(
                Status{Code::InvalidArgument, "bad request: payment_intent_id is too long"});
        }
        const auto id = parse_wire_id(request.reservation_id());
        if (!id) co_return not_found(request.reservation_id());
        Move move = move_of(request, *id);
        move.target = Target::Confirm;
        move.payment_intent_id = request.payment_intent_id();
        const auto moved = co_await service_.apply(std::move(move));
        if (!moved && moved.error().why == Refusal::NotFound)
            co_return not_found(request.reservation_id());
        pb::CommitReservationResponse response;
        if (!moved) {
            response.set_status(commit_status_of(moved.error().why));
            set_error(*response.mutable_error(), call, moved.error());
            co_return response;
        }
        response.set_status(pb::COMMIT_STATUS_SUCCESS);
        response.set_order_id(order_id(moved->reservation.id));
        add_seats(*response.mutable_sold_seats(), moved->reservation, common::v1::SEAT_STATUS_SOLD);
        set_instant(*response.mutable_committed_at(), moved->reservation.updated_at);
        co_return response;
    }

    awaitable<Reply<pb::ReleaseHoldResponse>> release(Call& call,
                                                      const pb::ReleaseHoldRequest& request) {
        if (auto no = refuse(call)) co_return std::unexpected(std::move(*no));
        const auto id = parse_wire_id(request.reservation_id());
        Answer<Moved> moved = std::unexpected(Refused{Refusal::NotFound, request.reservation_id()});
        if (id) {
            Move move = move_of(request, *id);
            move.target = request.reason() == "EXPIRED" ? Target::Expire : Target::Cancel;
            moved = co_await service_.apply(std::move(move));
        }
        pb::ReleaseHoldResponse response;
        if (!moved) {
            response.set_status(release_status_of(moved.error().why));
            set_error(*response.mutable_error(), call, moved.error());
            co_return response;
        }
        response.set_status(moved->change == Change::Moved ? pb::RELEASE_STATUS_SUCCESS
                                                           : pb::RELEASE_STATUS_ALREADY_RELEASED);
        add_seats(*response.mutable_released_seats(), moved->reservation,
                  common::v1::SEAT_STATUS_AVAILABLE);
        set_instant(*response.mutable_released_at(), moved->reservation.updated_at);
        co_return response;
    }

private:
    static std::unexpected<Status> not_found(const std::string& id) {
        constexpr std::size_t excerpt_bytes_max = 64;
        return std::unexpected(
            Status{Code::NotFound, explain({Refusal::NotFound, id.substr(0, excerpt_bytes_max)})});
    }

    [[nodiscard]] std::optional<Status> refuse(const Call& call) const {
        if (access_.token.empty()) {
            if (!access_.token_required) return std::nullopt;
            return Status{Code::PermissionDenied,
                          "in production the inventory is open only with a token: set ADMIN_TOKEN"};
        }
        if (crypto::equal_constant_time(call.metadata("authorization"), "Bearer " + access_.token))
            return std::nullopt;
        return Status{Code::Unauthenticated,
                      "send the ADMIN_TOKEN of this server as authorization: Bearer"};
    }

    ReservationService& service_;
    const http::AdminAccess& access_;
};

}  // namespace

void add_inventory_service(grpc::Services& services, ReservationService& service,
                           const http::AdminAccess& access) {
    const auto api = std::make_shared<InventoryApi>(service, access);
    services.unary<pb::CommitReservationRequest, pb::CommitReservationResponse>(
        service_name, "CommitReservation",
        [api](Call& call, const pb::CommitReservationRequest& request) {
            return api->commit(call, request);
        });
    services.unary<pb::ReleaseHoldRequest, pb::ReleaseHoldResponse>(
        service_name, "ReleaseHold", [api](Call& call, const pb::ReleaseHoldRequest& request) {
            return api->release(call, request);
        });
}

}  // namespace florin::seats
