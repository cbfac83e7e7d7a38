#include "merchants/api_key.h"

#include <algorithm>
#include <array>

#include "platform/crypto/secure_random.h"

namespace florin::merchants {
namespace {

constexpr std::array scopes_in_order = {Scope::PaymentsRead, Scope::PaymentsWrite,
                                        Scope::RefundsWrite};

constexpr std::string_view key_prefix = "flk_";  // tells people and secret scanners what it is
constexpr std::size_t random_bytes = 32;
constexpr std::size_t random_characters = 43;
constexpr std::size_t hint_characters = 10;

bool is_url_safe(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

}  // namespace

std::string_view name_of(Scope scope) {
    switch (scope) {
        case Scope::PaymentsRead:
            return "payments:read";
        case Scope::PaymentsWrite:
            return "payments:write";
        case Scope::RefundsWrite:
            return "refunds:write";
    }
    return "";
}

Scopes Scopes::all() {
    Scopes scopes;
    for (const Scope scope : scopes_in_order) scopes.add(scope);
    return scopes;
}

Scopes Scopes::from_bits(std::int64_t bits) {
    Scopes scopes;
    for (const Scope scope : scopes_in_order) {
        if ((bits & static_cast<std::int64_t>(scope)) != 0) scopes.add(scope);
    }
    return scopes;
}

bool Scopes::add_named(std::string_view name) {
    for (const Scope scope : scopes_in_order) {
        if (name_of(scope) != name) continue;
        add(scope);
        return true;
    }
    return false;
}

std::vector<std::string_view> Scopes::names() const {
    std::vector<std::string_view> names;
    for (const Scope scope : scopes_in_order) {
        if (has(scope)) names.push_back(name_of(scope));
    }
    return names;
}

ApiKey::State ApiKey::state(Instant now) const {
    if (revoked_at) return State::Revoked;
    if (const auto end = ends_at(); end && *end <= now) return State::Expired;
    return retires_at ? State::Retiring : State::Active;
}

bool ApiKey::usable(Instant now) const {
    switch (state(now)) {
        case State::Active:
        case State::Retiring:
            return true;
        case State::Expired:
        case State::Revoked:
            break;
    }
    return false;
}

std::optional<Instant> ApiKey::ends_at() const {
    if (expires_at && retires_at) return std::min(*expires_at, *retires_at);
    return expires_at ? expires_at : retires_at;
}

std::string_view name_of(ApiKey::State state) {
    switch (state) {
        case ApiKey::State::Active:
            return "active";
        case ApiKey::State::Retiring:
            return "retiring";
        case ApiKey::State::Expired:
            return "expired";
        case ApiKey::State::Revoked:
            return "revoked";
    }
    return "";
}

std::string new_key_text() {
    std::array<std::uint8_t, random_bytes> secret{};
    crypto::fill_with_secure_random(secret);
    std::string encoded = crypto::base64(secret);
    encoded.resize(random_characters);  // without the padding
    std::ranges::replace(encoded, '+', '-');
    std::ranges::replace(encoded, '/', '_');
    return std::string(key_prefix) + encoded;
}

bool has_key_form(std::string_view text) {
    return text.size() == key_prefix.size() + random_characters && text.starts_with(key_prefix) &&
           std::ranges::all_of(text, is_url_safe);
}

crypto::Sha256 digest_of_key(std::string_view text) {
    return crypto::sha256(text);
}

std::string hint_of_key(std::string_view text) {
    return std::string(text.substr(0, hint_characters));
}

}  // namespace florin::merchants
