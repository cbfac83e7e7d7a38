#pragma once

#include "platform/base/time.h"
#include "platform/grpc/channel.h"
#include "reservation/services.h"

namespace florin::reservation {

/// The inventory over gRPC: reservation.v1.InventoryService. The event's key goes along as
/// idempotency key, its trace id as x-correlation-id.
class GrpcInventory final : public Inventory {
public:
    /// `deadline` is of one call. `token` lets us in, as the metadata `authorization`; empty: none
    /// is sent.
    GrpcInventory(runtime::Loop& loop, grpc::ChannelOptions address, Milliseconds deadline,
                  std::string token = {})
        : channel_(loop, std::move(address)), deadline_(deadline), token_(std::move(token)) {}

    awaitable<CallResult> commit(ReservationEvent event) override;
    awaitable<CallResult> release(ReservationEvent event, std::string reason) override;

private:
    [[nodiscard]] grpc::CallOptions options_for(const ReservationEvent& event) const;

    grpc::Channel channel_;
    const Milliseconds deadline_;
    const std::string token_;
};

}  // namespace florin::reservation
