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

/// Stores many results in one command; a delivery somebody else has finished stays as it is.
void record_results(store::Transaction& tx, const std::vector<DeliveryResult>& results);

struct LaneContent {
    std::vector<WebhookDelivery> due;  // due now, earliest first
    std::optional<Instant> next_due;   // of those not yet due
};
LaneContent read_lane(store::Snapshot& snapshot, const std::string& origin, Instant now, int limit);

/// The origins that have pending deliveries, at most `limit`.
std::vector<std::string> pending_origins(store::Snapshot& snapshot, std::size_t limit);

}  // namespace florin::gateway
