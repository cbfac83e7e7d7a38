#include "app/wire_merchants.h"

#include <vector>

#include "app/merchant_access.h"
#include "app/settings.h"
#include "merchants/authenticator.h"
#include "merchants/http_api.h"
#include "merchants/key_service.h"

namespace florin::app {

struct MerchantParts::Parts {
    Parts(store::Store& opened, const Clock& time, const Settings& settings,
          telemetry::Metrics& measured)
        : store(opened),
          clock(time),
          metrics(measured),
          auth(settings.merchants.auth),
          keys_api{{settings.server.admin_token, settings.environment == Environment::Production},
                   settings.merchants.key_grace} {}

    /// One a serving loop.
    struct Face {
        explicit Face(Parts& parts)
            : service(parts.store, parts.clock, UuidGenerator(parts.clock, seed_from_system()),
                      parts.changes),
              authenticator(parts.store, parts.clock, parts.changes) {}

        merchants::KeyService service;
        merchants::Authenticator authenticator;
    };

    store::Store& store;
    const Clock& clock;
    telemetry::Metrics& metrics;
    const MerchantAuth auth;
    const merchants::KeysApiSettings keys_api;
    merchants::KeyChanges changes;
    std::vector<std::unique_ptr<Face>> faces;
};

MerchantParts::MerchantParts(store::Store& store, const Clock& clock, const Settings& settings,
                             telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(store, clock, settings, metrics)) {}

MerchantParts::~MerchantParts() = default;

std::shared_ptr<payments::Authorization> MerchantParts::add_face(http::Router& router) {
    auto& parts = *parts_;
    auto& face = *parts.faces.emplace_back(std::make_unique<Parts::Face>(parts));
    merchants::add_key_routes(router, face.service, parts.clock, parts.keys_api);
    switch (parts.auth) {
        case MerchantAuth::Open:
            break;
        case MerchantAuth::Keys:
            return merchant_access(face.authenticator, parts.metrics);
    }
    return {};
}

}  // namespace florin::app
