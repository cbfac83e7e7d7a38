#pragma once

#include <string>
#include <vector>

#include "gateway/intent_store.h"
#include "gateway/webhooks/delivery_store.h"

/// Payments and webhooks as the admin face shows them: snake_case JSON, times as RFC 3339.
namespace florin::gateway {

/// All that is known of a payment, read in one snapshot.
struct PaymentStory {
    PaymentIntent intent;
    std::vector<Refund> refunds;
    std::vector<WebhookRecord> webhooks;
};

std::optional<PaymentStory> read_story(store::Snapshot& snapshot, const Uuid& id);

std::string payment_json(const PaymentIntent& intent);
std::string payments_json(const IntentPage& page);
std::string timeline_json(const PaymentStory& story);
/// What the public page shows: no user, no metadata, no receiver address.
std::string public_state_json(const PaymentStory& story);
std::string webhook_json(const WebhookRecord& record);
std::string webhooks_json(const std::vector<WebhookRecord>& records, bool more);

}  // namespace florin::gateway
