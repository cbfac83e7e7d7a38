#include "merchants/authenticator.h"

#include <algorithm>
#include <utility>

#include "merchants/key_store.h"
#include "platform/http/message.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::merchants {
namespace {

std::optional<Denial> judge(const ApiKey& key, Scope scope, Instant now) {
    switch (key.state(now)) {
        case ApiKey::State::Revoked:
            return Denial::Revoked;
        case ApiKey::State::Expired:
            return Denial::Expired;
        case ApiKey::State::Active:
        case ApiKey::State::Retiring:
            break;
    }
    if (!key.scopes.has(scope)) return Denial::MissingScope;
    return std::nullopt;
}

}  // namespace

std::string_view key_in(const http::Request& request) {
    constexpr std::string_view scheme = "bearer ";
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    std::string_view credentials = request.headers.get("Authorization");
    if (!std::ranges::equal(credentials.substr(0, scheme.size()), scheme, {}, lower))
        return request.headers.get("X-Api-Key");
    credentials.remove_prefix(scheme.size());
    const auto start = credentials.find_first_not_of(' ');
    return start == std::string_view::npos ? std::string_view() : credentials.substr(start);
}

Authenticator::Authenticator(store::Store& store, const Clock& clock, const KeyChanges& changes,
                             std::size_t keys_max)
    : store_(store), clock_(clock), changes_(changes), cache_(keys_max) {}

awaitable<std::expected<std::string, Denial>> Authenticator::merchant_of(std::string_view key,
                                                                         Scope scope) {
    if (key.empty()) co_return std::unexpected(Denial::NoKey);
    if (!has_key_form(key)) co_return std::unexpected(Denial::UnknownKey);
    const crypto::Sha256 digest = digest_of_key(key);
    CachedKey* cached = cache_.find(digest);
    if (cached == nullptr || !fresh(*cached)) {
        const std::uint64_t changes = changes_.count();  // before the read: it may miss a later one
        const Instant read_at = clock_.now();
        auto stored = co_await store_.read(
            [&digest](store::Snapshot& snapshot) { return find_key_by_digest(snapshot, digest); });
        // Nothing is remembered of unknown ones: guesses would push out the keys that are used.
        if (!stored) co_return std::unexpected(Denial::UnknownKey);
        cached = &cache_.put({.key = std::move(*stored), .changes = changes, .read_at = read_at});
    }
    const Instant now = clock_.now();
    if (const auto denial = judge(cached->key, scope, now)) co_return std::unexpected(*denial);
    note_use(*cached, now);
    co_return cached->key.merchant;
}

bool Authenticator::fresh(const CachedKey& cached) const {
    const Instant now = clock_.now();
    return cached.changes == changes_.count() && cached.read_at <= now &&
           now < cached.read_at + remembered_for;
}

void Authenticator::note_use(CachedKey& cached, Instant now) {
    auto& last = cached.key.last_used_at;
    if (last && now < *last + uses_recorded_every) return;
    last = now;
    runtime::spawn(runtime::Loop::current(), "use of an API key", record(cached.key.id, now));
}

// Beside the request, which does not wait for it: when it fails, the next use tries again.
awaitable<void> Authenticator::record(Uuid id, Instant at) {
    try {
        co_await store_.write(
            [id, at](store::Transaction& tx) { record_use(tx, id, at, at - uses_recorded_every); });
    } catch (const std::runtime_error& fault) {
        telemetry::info("The use of an API key was not recorded",
                        {{"key_id", id.text()}, {"fault", fault.what()}});
    }
}

}  // namespace florin::merchants
