#pragma once

#include "platform/http/client.h"
#include "platform/store/pruning.h"
#include "reservation/grpc_inventory.h"
#include "reservation/http_reservation_api.h"

namespace florin::app {

struct Settings;

/// The services that sell seats, where RESERVATION_API_BASE and INVENTORY_GRPC_ADDR say. On one
/// loop.
struct RemoteServices {
    /// The settings have been checked.
    RemoteServices(runtime::Loop& loop, const Settings& settings);

    http::Client http;
    reservation::HttpReservationApi api;
    reservation::GrpcInventory inventory;
};

/// Forgets what the worker's inbox has known for so long that nobody tells it again.
store::PruneRule inbox_rule();

}  // namespace florin::app
