#pragma once

#include <optional>
#include <string>

#include "platform/http/message.h"

namespace florin::http {

/// Who may use the routes that are for the operator alone.
struct AdminAccess {
    std::string token;            // what `Authorization: Bearer` must carry; empty: open
    bool token_required = false;  // without a token the admin routes refuse everything
};

/// Why the request may not pass; nothing when it may. Compares in constant time.
std::optional<Response> refuse_admin(const AdminAccess& access, const Request& request);

}  // namespace florin::http
