#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "merchants/api_key.h"
#include "merchants/key_store.h"
#include "platform/runtime/awaitable.h"

namespace florin::store {
class Store;
}

namespace florin::merchants {

/// Counts the changes that take rights away, so that every loop of this process sees at once that
/// what it remembers of keys is old. One a process. Thread-safe.
class KeyChanges {
public:
    void add() { count_.fetch_add(1, std::memory_order_acq_rel); }
    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_acquire); }

private:
    std::atomic<std::uint64_t> count_{0};
};

struct CreateKey {
    std::string merchant;
    std::string name = {};
    Scopes scopes = Scopes::all();
    std::optional<std::chrono::days> lifetime = std::nullopt;  // without an end
};

/// A new key with its text, which nothing keeps: this is the one time to show it.
struct IssuedKey {
    ApiKey key;
    std::string text;
};
struct RotatedKey {
    IssuedKey issued;
    ApiKey previous;
};

enum class KeyRefusal : std::uint8_t {
    NotFound,  // this merchant has no such key
    TooMany,   // the merchant has `usable_keys_max`
    NotUsable  // it is expired or revoked already
};

/// The life of keys: made, replaced, revoked. One object a loop. Every call may throw `Overloaded`
/// and `StoreFault`.
class KeyService {
public:
    static constexpr std::int64_t usable_keys_max = 100;  // of one merchant

    /// The references outlive this object.
    KeyService(store::Store& store, const Clock& clock, UuidGenerator ids, KeyChanges& changes);

    awaitable<std::expected<IssuedKey, KeyRefusal>> create(CreateKey request);
    /// A new key with the name, scopes and lifetime of `id`, which stays good for `grace` at most.
    awaitable<std::expected<RotatedKey, KeyRefusal>> rotate(std::string merchant, Uuid id,
                                                            std::chrono::hours grace);
    /// When it resumes, no loop of this process takes the key any more. Revoking again changes
    /// nothing.
    awaitable<std::expected<ApiKey, KeyRefusal>> revoke(std::string merchant, Uuid id);

    awaitable<std::vector<ApiKey>> list(KeyFilter filter);
    awaitable<std::optional<ApiKey>> find(Uuid id);

private:
    IssuedKey issue(std::string merchant, std::string name, Scopes scopes, Instant now);

    store::Store& store_;
    const Clock& clock_;
    UuidGenerator ids_;
    KeyChanges& changes_;
};

}  // namespace florin::merchants
