#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "merchants/api_key.h"
#include "merchants/key_cache.h"
#include "merchants/key_service.h"
#include "platform/runtime/awaitable.h"

namespace florin::http {
struct Request;
}
namespace florin::store {
class Store;
}

namespace florin::merchants {

/// Why a request may not pass.
enum class Denial : std::uint8_t {
    NoKey,       // it brings none
    UnknownKey,  // no key of ours, or no key at all
    Expired,     // at its end, or replaced and past its grace
    Revoked,
    MissingScope  // a good key that may not do this
};

/// The key a request brings, in `Authorization: Bearer` or else `X-Api-Key`; empty: none. The view
/// lives as long as the request.
std::string_view key_in(const http::Request& request);

/// Tells for which merchant a key speaks. One object a loop; it remembers keys for a few
/// seconds, so that a merchant at work costs no read of the store. What is revoked through a
/// `KeyService` of this process is refused at once, in other processes when that time has passed.
class Authenticator {
public:
    static constexpr Seconds remembered_for{5};
    static constexpr std::size_t keys_remembered_max = 10'000;
    static constexpr Seconds uses_recorded_every{60};

    /// The references outlive this object and the loop.
    Authenticator(store::Store& store, const Clock& clock, const KeyChanges& changes,
                  std::size_t keys_max = keys_remembered_max);

    /// The merchant of a key that may do what `scope` is for. `key` is what `key_in` found. Throws
    /// `Overloaded` and `StoreFault`: then nobody knows, and the request must not pass.
    awaitable<std::expected<std::string, Denial>> merchant_of(std::string_view key, Scope scope);

    [[nodiscard]] std::size_t keys_remembered() const { return cache_.size(); }

private:
    [[nodiscard]] bool fresh(const CachedKey& cached) const;
    void note_use(CachedKey& cached, Instant now);
    awaitable<void> record(Uuid id, Instant at);

    store::Store& store_;
    const Clock& clock_;
    const KeyChanges& changes_;
    KeyCache cache_;
};

}  // namespace florin::merchants
