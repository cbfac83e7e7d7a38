#pragma once

#include <memory>

#include "payments/http_api.h"

namespace florin::merchants {
class Authenticator;
}

namespace florin::app {

/// Lets payment requests pass that bring a key of their merchant; the answer to others is in the
/// error form of the payments API. For one loop: the authenticator's, which outlives the routes.
std::shared_ptr<payments::Authorization> merchant_access(merchants::Authenticator& authenticator,
                                                         telemetry::Metrics& metrics);

}  // namespace florin::app
