#pragma once

#include <optional>

#include "gateway/payment_intent.h"
#include "platform/http/message.h"

namespace florin::gateway {

/// The page behind `payment_url`: shows the payment and follows its timeline by asking
/// /pay/{id}/state until everything has ended. Without a payment: a 404 page.
http::Response payment_page(const std::optional<PaymentIntent>& intent);

}  // namespace florin::gateway
