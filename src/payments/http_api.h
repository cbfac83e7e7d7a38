#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

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

enum class Access : std::uint8_t { Read, Write, Refund };

/// Decides for whom requests speak. One object serves the routes of one loop.
class Authorization {
public:
    virtual ~Authorization() = default;

    /// The merchant for whom a request speaks, with leave for `access`; or the answer that refuses
    /// it. Looks at the headers alone: it comes before whatever else a request holds.
    virtual awaitable<std::expected<std::string, http::Response>> authenticate(
        const http::Request& request, Access access) = 0;

    /// The answer to a request that speaks for one merchant and names another.
    virtual http::Response other_merchant() = 0;
};

struct HttpApiSettings {
    RateLimits limits;
    std::shared_ptr<Authorization> authorization;  // shared by a loop's routes; null: open to all
};

/// Adds /payments/… and the same under /api/payments/… to one loop's router. The arguments outlive
/// the router. api/openapi.yaml describes the routes.
void add_payment_routes(http::Router& router, PaymentService& service, limits::RateLimiter& limiter,
                        const HttpApiSettings& settings, telemetry::Metrics& metrics);

}  // namespace florin::payments
