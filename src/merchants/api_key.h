#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/crypto/hmac.h"

/// The keys merchants authenticate with: the rules, pure.
namespace florin::merchants {

/// What a key may do, as bits: their numbers are stored.
enum class Scope : std::uint8_t { PaymentsRead = 1, PaymentsWrite = 2, RefundsWrite = 4 };

/// "payments:read" …
std::string_view name_of(Scope scope);

/// A set of scopes.
class Scopes {
public:
    Scopes() = default;
    static Scopes all();
    /// Of a stored number; unknown bits are nothing.
    static Scopes from_bits(std::int64_t bits);

    void add(Scope scope) { bits_ |= static_cast<std::uint8_t>(scope); }
    /// Adds the scope of that name; false when there is none.
    [[nodiscard]] bool add_named(std::string_view name);
    [[nodiscard]] bool has(Scope scope) const {
        return (bits_ & static_cast<std::uint8_t>(scope)) != 0;
    }
    [[nodiscard]] bool empty() const { return bits_ == 0; }
    [[nodiscard]] std::uint8_t bits() const { return bits_; }
    [[nodiscard]] std::vector<std::string_view> names() const;

    bool operator==(const Scopes&) const = default;

private:
    std::uint8_t bits_ = 0;
};

/// A key as it is stored: its text cannot be found out from it.
struct ApiKey {
    enum class State : std::uint8_t {
        Active,
        Retiring,  // replaced, but good until `retires_at`
        Expired,
        Revoked
    };

    Uuid id;
    std::string merchant;
    std::string name;
    crypto::Sha256 digest{};
    std::string hint;  // how its text begins, for people
    Scopes scopes;
    Instant created_at;
    std::optional<Instant> expires_at;    // chosen when it was made
    std::optional<Instant> retires_at;    // when it was replaced: the end of the old one
    std::optional<Instant> revoked_at;    // stopped at once
    std::optional<Instant> last_used_at;  // right to a minute

    [[nodiscard]] State state(Instant now) const;
    /// Whether it opens anything now.
    [[nodiscard]] bool usable(Instant now) const;
    /// When it will stop by itself: the earlier of both ends.
    [[nodiscard]] std::optional<Instant> ends_at() const;
};

/// "active" …
std::string_view name_of(ApiKey::State state);

/// The text of a new key: "flk_" and 256 random bits in URL-safe Base64. Thread-safe.
std::string new_key_text();
/// Whether a text could be one: saves asking the store about others.
bool has_key_form(std::string_view text);
crypto::Sha256 digest_of_key(std::string_view text);
/// The part of it that may be shown: 36 bits of 256.
std::string hint_of_key(std::string_view text);

}  // namespace florin::merchants
