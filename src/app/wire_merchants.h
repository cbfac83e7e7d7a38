#pragma once

#include <memory>

#include "payments/http_api.h"

namespace florin::store {
class Store;
}

namespace florin::app {

struct Settings;

/// The merchants' API keys, wired: a face on every serving loop, and what decides there who may use
/// the payments.
class MerchantParts {
public:
    /// The arguments outlive the parts.
    MerchantParts(store::Store& store, const Clock& clock, const Settings& settings,
                  telemetry::Metrics& metrics);
    ~MerchantParts();

    /// Adds the operator's routes to one serving loop's table. Returns what guards the payments of
    /// that loop: null where MERCHANT_AUTH is open. Before the loops run.
    std::shared_ptr<payments::Authorization> add_face(http::Router& router);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace florin::app
