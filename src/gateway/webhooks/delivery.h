#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"

namespace florin::gateway {

/// One notification for one receiver: what it says, and how far it has come. It holds all that its
/// body needs, so sending never looks at the payment. Its id is the `webhook-id`, the same at every
/// attempt.
struct WebhookDelivery {
    enum class State : std::uint8_t { Pending = 0, Delivered = 1, Dead = 2 };

    Uuid id;
    Uuid intent;
    std::string url;
    std::string origin;  // of `url`: the lane whose concurrency it shares
    std::string reservation_id;
    int payment_status = 0;  // number of payment.v1.PaymentStatus
    Money amount;
    bool simulated = false;  // asked for by SimulateWebhook
    State state = State::Pending;
    int attempts = 0;                // made so far
    int attempts_before_resend = 0;  // of those: made before it was sent again by hand
    Instant created_at;
    Instant due_at;  // of the next attempt; of the first one: when the outcome was due
    std::string trace_id;
};

}  // namespace florin::gateway
