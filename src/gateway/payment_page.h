#pragma once

#include <optional>

#include "gateway/payment_intent.h"
#include "platform/http/message.h"
#include "platform/runtime/awaitable.h"

namespace florin::gateway {

/// The page behind `payment_url`: shows the payment and follows its timeline by asking
/// /pay/{id}/state until everything has ended. Without a payment: a 404 page.
http::Response payment_page(const std::optional<PaymentIntent>& intent);

/// What stands at "/": where to go from here.
awaitable<http::Response> landing_page();

}  // namespace florin::gateway
