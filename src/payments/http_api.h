#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "payments/payment_service.h"
#include "platform/http/message.h"
#include "platform/limits/rate_limiter.h"
#include "platform/runtime/awaitable.h"
#include "platform/telemetry/metrics.h"

namespace florin::http {
class Router;
}

namespace florin::payments {

struct RateLimits {
    limits::RateLimit authorize{20, Seconds(60)};
    limits::RateLimit capture{40, Seconds(60)};  // voids count as captures
    limits::RateLimit refund{20, Seconds(60)};
};

/// Decides whether a request may act for `merchant`: an answer that refuses it, or nothing.
enum class Access : std::uint8_t { Read, Write, Refund };
using Authorization = std::function<awaitable<std::optional<http::Response>>(
    const http::Request& request, std::string_view merchant, Access access)>;

struct HttpApiSettings {
    RateLimits limits;
    Authorization authorization;  // empty: open to everybody (development)
};

/// Adds /payments/… and the same under /api/payments/… to one loop's router. The arguments outlive
/// the router. api/openapi.yaml describes the routes.
void add_payment_routes(http::Router& router, PaymentService& service, limits::RateLimiter& limiter,
                        const HttpApiSettings& settings, telemetry::Metrics& metrics);

}  // namespace florin::payments
