#include "platform/redis/rate_limiter.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "platform/limits/rate_bucket.h"

namespace florin::redis {
namespace {

using limits::RateBucket;

// The time a bucket is full again stands as "microseconds.nanoseconds": a number of Lua holds
// today's date in microseconds, but not in nanoseconds. What is no such text counts as a full
// bucket, whoever wrote it. KEYS: the bucket. ARGV: nanoseconds that a call takes, and of all.
constexpr std::string_view look = R"lua(
local now = redis.call('TIME')
local now_us = now[1] * 1000000 + now[2]
local refill, whole = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.pcall('GET', KEYS[1])
local used = 0
local known = false
if type(kept) == 'string' then
  local us, ns = string.match(kept, '^(%d+)%.(%d%d%d)$')
  if us then
    known = true
    used = math.max((us - now_us) * 1000 + ns, 0)
  end
end
local function keep(left)
  local at = now_us + math.floor(left / 1000)
  redis.call('SET', KEYS[1], string.format('%.0f.%03d', at, left % 1000),
             'PX', math.ceil(left / 1000000))
end
if used > whole then  -- the clock was set back: nobody waits for as long as that
  used = whole
  keep(used)
end
)lua";

constexpr std::string_view take_one = R"lua(
if refill <= whole - used then
  keep(used + refill)
end
return string.format('%.0f', used)
)lua";

constexpr std::string_view give_one_back = R"lua(
if not known then return 0 end
if used > refill then
  keep(used - refill)
else
  redis.call('DEL', KEYS[1])
end
return 1
)lua";

std::vector<std::string> arguments(std::string_view key, const RateBucket& bucket) {
    return {"rate:" + std::string(key), std::to_string(bucket.refill),
            std::to_string(bucket.whole)};
}

std::optional<std::int64_t> number(const Reply& reply) {
    if (reply.kind != Reply::Kind::Text) return std::nullopt;
    std::int64_t value = 0;
    const char* const end = reply.text.data() + reply.text.size();
    const auto [stop, error] = std::from_chars(reply.text.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

}  // namespace

RedisRateLimiter::RedisRateLimiter(Client& client)
    : client_(client),
      take_(std::string(look) + std::string(take_one)),
      give_back_(std::string(look) + std::string(give_one_back)) {}

awaitable<limits::RateDecision> RedisRateLimiter::take(std::string_view key,
                                                       limits::RateLimit limit) {
    if (RateBucket::unlimited(limit)) co_return limits::RateDecision{};
    const RateBucket bucket(limit);
    const Answer answer = co_await take_.run(client_, 1, arguments(key, bucket));
    const auto used = answer ? number(*answer) : std::nullopt;
    if (!used) {
        limits::RateDecision decision;
        decision.limiter_failed = true;
        co_return decision;
    }
    co_return bucket.decide(limit, std::clamp<std::int64_t>(*used, 0, bucket.whole));
}

awaitable<void> RedisRateLimiter::give_back(std::string_view key, limits::RateLimit limit) {
    if (RateBucket::unlimited(limit)) co_return;
    co_await give_back_.run(client_, 1, arguments(key, RateBucket(limit)));
}

}  // namespace florin::redis
