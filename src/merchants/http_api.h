#pragma once

#include <chrono>

#include "platform/base/time.h"
#include "platform/http/admin_access.h"

namespace florin::http {
class Router;
}

namespace florin::merchants {

class KeyService;

struct KeysApiSettings {
    http::AdminAccess access;
    std::chrono::hours rotation_grace{24};  // where a rotation names none
};

/// Adds the operator's routes of API keys to one loop's router:
///   POST   /api/merchants/{merchantId}/keys                 201 with the key's text, this once
///   GET    /api/merchants/{merchantId}/keys                 newest first, by pages
///   POST   /api/merchants/{merchantId}/keys/{keyId}/rotate  201 with the new key's text
///   DELETE /api/merchants/{merchantId}/keys/{keyId}         revokes it
///   GET    /api/merchant-keys, /api/merchant-keys/{keyId}   over all merchants
/// Errors are problems (RFC 9457). The arguments outlive the router.
void add_key_routes(http::Router& router, KeyService& service, const Clock& clock,
                    const KeysApiSettings& settings);

}  // namespace florin::merchants
