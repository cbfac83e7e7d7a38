#pragma once

#include "platform/http/admin_access.h"

namespace florin::grpc {
class Services;
}

namespace florin::seats {

class ReservationService;

/// Adds reservation.v1.InventoryService to one loop's table. Like the HTTP face it asks for the
/// operator's token where there is one, in the metadata `authorization`. What the business refuses
/// is in the answers' status; UNAUTHENTICATED, INVALID_ARGUMENT and NOT_FOUND are gRPC codes. The
/// arguments outlive the table.
void add_inventory_service(grpc::Services& services, ReservationService& service,
                           const http::AdminAccess& access);

}  // namespace florin::seats
