#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/webhooks/delivery_store.h"

/// What the dispatcher reads and writes; nobody else does.
namespace florin::gateway {

/// The end of one attempt, and what becomes of its delivery.
struct DeliveryResult {
    Uuid id;
    WebhookDelivery::State state =
        WebhookDelivery::State::Pending;  // Pending: try again at `due_at`
    Instant due_at;
    WebhookAttempt attempt;
};

/// Stores what an attempt came to; a delivery somebody else has finished stays as it is.
void record_result(store::Transaction& tx, const DeliveryResult& result);

struct LaneContent {
    std::vector<WebhookDelivery> due;  // due now, earliest first
    std::optional<Instant> next_due;   // of those not yet due
};
LaneContent read_lane(store::Snapshot& snapshot, const std::string& origin, Instant now, int limit);

struct PendingOrigins {
    std::vector<std::string> due;     // with a delivery due now
    std::optional<Instant> next_due;  // of the others: when the first of them is
};
/// The receivers with pending deliveries; `limit` bounds those that are due.
PendingOrigins pending_origins(store::Snapshot& snapshot, Instant now, std::size_t limit);

}  // namespace florin::gateway
