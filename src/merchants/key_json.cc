#include "merchants/key_json.h"

#include <boost/json.hpp>

#include "platform/base/time_text.h"

namespace florin::merchants {
namespace {

namespace json = boost::json;

json::value time_or_null(std::optional<Instant> at) {
    return at ? json::value(time_text(*at)) : json::value(nullptr);
}

json::object to_object(const ApiKey& key, Instant now) {
    json::array scopes;
    for (const auto name : key.scopes.names()) scopes.emplace_back(name);
    return {{"keyId", key.id.text()},
            {"merchantId", key.merchant},
            {"name", key.name},
            {"hint", key.hint},
            {"scopes", std::move(scopes)},
            {"state", name_of(key.state(now))},
            {"createdAt", time_or_null(key.created_at)},
            {"lastUsedAt", time_or_null(key.last_used_at)},
            {"expiresAt", time_or_null(key.ends_at())},
            {"revokedAt", time_or_null(key.revoked_at)}};
}

json::object to_object(const IssuedKey& issued, Instant now) {
    json::object object = to_object(issued.key, now);
    object["key"] = issued.text;
    return object;
}

}  // namespace

std::string key_json(const ApiKey& key, Instant now) {
    return json::serialize(to_object(key, now));
}

std::string issued_json(const IssuedKey& issued, Instant now) {
    return json::serialize(to_object(issued, now));
}

std::string rotated_json(const RotatedKey& rotated, Instant now) {
    json::object object = to_object(rotated.issued, now);
    object["replaces"] = to_object(rotated.previous, now);
    return json::serialize(object);
}

std::string keys_json(const std::vector<ApiKey>& keys, bool more, Instant now) {
    json::array list;
    for (const auto& key : keys) list.emplace_back(to_object(key, now));
    json::value next = nullptr;
    if (more) next = keys.back().id.text();
    return json::serialize(json::object{{"keys", std::move(list)}, {"nextCursor", next}});
}

}  // namespace florin::merchants
