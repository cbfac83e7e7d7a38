#include "merchants/key_service.h"

#include <algorithm>
#include <utility>

#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::merchants {
namespace {

template <class T>
using Answer = std::expected<T, KeyRefusal>;

Answer<ApiKey> find_of_merchant(store::Snapshot& snapshot, const std::string& merchant,
                                const Uuid& id) {
    auto key = find_key(snapshot, id);
    if (!key || key->merchant != merchant) return std::unexpected(KeyRefusal::NotFound);
    return std::move(*key);
}

Answer<void> insert_if_room(store::Transaction& tx, const ApiKey& key) {
    if (count_usable_keys(tx, key.merchant, key.created_at) >= KeyService::usable_keys_max)
        return std::unexpected(KeyRefusal::TooMany);
    insert_key(tx, key);
    return {};
}

/// `issued` has what does not depend on the key it replaces.
Answer<RotatedKey> replace(store::Transaction& tx, const std::string& merchant, const Uuid& id,
                           IssuedKey issued, std::chrono::hours grace) {
    auto previous = find_of_merchant(tx, merchant, id);
    if (!previous) return std::unexpected(previous.error());
    const Instant now = issued.key.created_at;
    if (!previous->usable(now)) return std::unexpected(KeyRefusal::NotUsable);
    issued.key.name = previous->name;
    issued.key.scopes = previous->scopes;
    if (previous->expires_at)
        issued.key.expires_at = now + (*previous->expires_at - previous->created_at);
    // A second rotation must not give the first one's key more time.
    previous->retires_at = std::min(previous->retires_at.value_or(now + grace), now + grace);
    update_ends(tx, *previous);
    if (const auto inserted = insert_if_room(tx, issued.key); !inserted)
        return std::unexpected(inserted.error());
    return RotatedKey{std::move(issued), std::move(*previous)};
}

}  // namespace

KeyService::KeyService(store::Store& store, const Clock& clock, UuidGenerator ids,
                       KeyChanges& changes)
    : store_(store), clock_(clock), ids_(ids), changes_(changes) {}

IssuedKey KeyService::issue(std::string merchant, std::string name, Scopes scopes, Instant now) {
    IssuedKey issued;
    issued.text = new_key_text();
    issued.key.id = ids_.next();
    issued.key.merchant = std::move(merchant);
    issued.key.name = std::move(name);
    issued.key.digest = digest_of_key(issued.text);
    issued.key.hint = hint_of_key(issued.text);
    issued.key.scopes = scopes;
    issued.key.created_at = now;
    return issued;
}

awaitable<Answer<IssuedKey>> KeyService::create(CreateKey request) {
    const Instant now = clock_.now();
    IssuedKey issued =
        issue(std::move(request.merchant), std::move(request.name), request.scopes, now);
    if (request.lifetime) issued.key.expires_at = now + *request.lifetime;
    const auto inserted = co_await store_.write(
        [&key = issued.key](store::Transaction& tx) { return insert_if_room(tx, key); });
    if (!inserted) co_return std::unexpected(inserted.error());
    telemetry::info("An API key was created",
                    {{"merchant_id", issued.key.merchant}, {"key_id", issued.key.id.text()}});
    co_return issued;
}

awaitable<Answer<RotatedKey>> KeyService::rotate(std::string merchant, Uuid id,
                                                 std::chrono::hours grace) {
    const IssuedKey issued = issue(merchant, {}, {}, clock_.now());
    auto rotated = co_await store_.write(
        [&](store::Transaction& tx) { return replace(tx, merchant, id, issued, grace); });
    if (!rotated) co_return rotated;
    changes_.add();
    telemetry::info("An API key was rotated", {{"merchant_id", merchant},
                                               {"key_id", id.text()},
                                               {"new_key_id", rotated->issued.key.id.text()}});
    co_return rotated;
}

awaitable<Answer<ApiKey>> KeyService::revoke(std::string merchant, Uuid id) {
    const Instant now = clock_.now();
    auto revoked = co_await store_.write([&, now](store::Transaction& tx) {
        auto key = find_of_merchant(tx, merchant, id);
        if (!key || key->revoked_at) return key;
        key->revoked_at = now;
        update_ends(tx, *key);
        return key;
    });
    if (!revoked) co_return revoked;
    changes_.add();
    telemetry::info("An API key was revoked", {{"merchant_id", merchant}, {"key_id", id.text()}});
    co_return revoked;
}

awaitable<std::vector<ApiKey>> KeyService::list(KeyFilter filter) {
    co_return co_await store_.read(
        [&filter](store::Snapshot& snapshot) { return list_keys(snapshot, filter); });
}

awaitable<std::optional<ApiKey>> KeyService::find(Uuid id) {
    co_return co_await store_.read(
        [&id](store::Snapshot& snapshot) { return find_key(snapshot, id); });
}

}  // namespace florin::merchants
