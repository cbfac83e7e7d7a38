#include "platform/redis/cache.h"

#include "platform/runtime/loop.h"

namespace florin::redis {

awaitable<std::optional<std::string>> RedisCache::find(std::string key) {
    Answer answer = co_await client_.call({"GET", key});
    if (!answer || answer->kind != Reply::Kind::Text) co_return std::nullopt;
    co_return std::move(answer->text);
}

void RedisCache::keep(std::string key, std::string value, Milliseconds lifetime) {
    if (lifetime <= Milliseconds(0) || value.size() > value_bytes_max) return;
    runtime::spawn(client_.loop(), "keeping in redis",
                   send(client_, {"SET", key, value, "PX", std::to_string(lifetime.count())}));
}

// What came of it the client has counted.
awaitable<void> RedisCache::send(Client& client, Command command) {
    co_await client.call(std::move(command));
}

}  // namespace florin::redis
