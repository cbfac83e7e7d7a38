#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/payment_intent.h"
#include "gateway/webhooks/delivery.h"
#include "platform/outbox/outbox.h"
#include "platform/store/session.h"

namespace florin::gateway {

/// Why a payment failed, for its result and its event; empty when it did not.
std::string_view failure_reason(const PaymentIntent& intent);
/// "txn-<uuid>" once the payment is completed or failed, else empty.
std::string transaction_id(const PaymentIntent& intent);

/// What a change of a payment tells the world: an event for the outbox, and a webhook when it is
/// the payment's outcome and its client wants one.
struct Notices {
    std::optional<outbox::Event> event;
    std::optional<WebhookDelivery> delivery;
};

/// Ids for the notices of one change, drawn before its command runs: a command may run twice.
struct NoticeIds {
    Uuid event;
    Uuid delivery;
};

/// Builds the notices of a change that was just made. Cancelled, refunded and expired payments send
/// no webhook: the contract's webhook knows only COMPLETED and FAILED.
Notices notices_of(const PaymentIntent& intent, IntentChange change, const NoticeIds& ids,
                   Instant now);

/// The webhook SimulateWebhook asks for: it tells `told`, whatever the payment's state is.
WebhookDelivery simulated_delivery(const PaymentIntent& intent, PaymentState told, const Uuid& id,
                                   Instant due, Instant now);

/// Tells the log of a payment the clock or its client has moved on. After the commit.
void log_outcome(const PaymentIntent& intent, Instant now);

/// Stores the notices, in the transaction of the change.
void store_notices(store::Transaction& tx, const Notices& notices);

}  // namespace florin::gateway
