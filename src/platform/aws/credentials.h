#pragma once

#include <expected>
#include <optional>
#include <string>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::aws {

/// What a request is signed with. Never logged.
struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;                         // empty: they are long-lived
    std::optional<Instant> expires_at = std::nullopt;  // nothing: they do not expire
};

/// Port: where credentials come from. On one loop.
class CredentialSource {
public:
    virtual ~CredentialSource() = default;
    /// Credentials that are valid now. The error says for people where they were looked for.
    virtual awaitable<std::expected<Credentials, std::string>> get() = 0;
    /// AWS has refused what `get` gave, as expired or unknown: the next `get` asks again.
    virtual void forget() = 0;
};

}  // namespace florin::aws
