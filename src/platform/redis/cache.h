#pragma once

#include "platform/cache/cache.h"
#include "platform/redis/client.h"

namespace florin::redis {

/// A cache that all instances share. When Redis is slow or gone it is empty, at once. For the loop
/// of its client.
class RedisCache final : public cache::Cache {
public:
    static constexpr std::size_t value_bytes_max = 64UL * 1024;  // larger ones are not kept

    /// `client` outlives this object.
    explicit RedisCache(Client& client) : client_(client) {}

    awaitable<std::optional<std::string>> find(std::string key) override;
    void keep(std::string key, std::string value, Milliseconds lifetime) override;

private:
    static awaitable<void> send(Client& client, Command command);

    Client& client_;
};

}  // namespace florin::redis
