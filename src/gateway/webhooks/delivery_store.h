#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "gateway/webhooks/delivery.h"
#include "platform/store/session.h"

namespace florin::gateway {

/// Stores a new delivery, in the transaction of the state change it tells of.
void insert_delivery(store::Transaction& tx, const WebhookDelivery& delivery);

/// One attempt that was made, for people.
struct WebhookAttempt {
    int number = 1;
    Instant at;
    std::int64_t duration_ms = 0;
    int http_status = 0;  // 0: no answer
    std::string error;    // empty on success
};

/// A delivery as the admin face and the payment page show it.
struct WebhookRecord {
    WebhookDelivery delivery;
    std::vector<WebhookAttempt> attempts;  // oldest first
};

/// All deliveries of one payment, oldest first, with their attempts.
std::vector<WebhookRecord> deliveries_of(store::Snapshot& snapshot, const Uuid& intent);

std::optional<WebhookRecord> find_delivery(store::Snapshot& snapshot, const Uuid& id);

/// A page, newest first, of deliveries in `state` (or any), older than `before`.
std::vector<WebhookRecord> list_deliveries(store::Snapshot& snapshot,
                                           std::optional<WebhookDelivery::State> state,
                                           std::optional<Uuid> before, int limit);

enum class ResendRefusal : std::uint8_t { NotFound, StillPending };

/// Makes a delivered or dead delivery pending again, due at `now`, with its attempts kept and as
/// many to come as a new one has. The id stays the same, so that a receiver can tell it from a new
/// one.
std::expected<WebhookDelivery, ResendRefusal> resend_delivery(store::Transaction& tx,
                                                              const Uuid& id, Instant now);

/// Deletes up to `limit` finished deliveries created before `before`; how many it deleted.
std::int64_t prune_deliveries(store::Transaction& tx, Instant before, int limit);

}  // namespace florin::gateway
