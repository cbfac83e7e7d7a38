#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/random.h"
#include "platform/base/time.h"

namespace florin::gateway {

/// How one attempt ended.
struct SendResult {
    int http_status = 0;      // 0: no answer
    std::string error;        // why there is none, for people
    std::string retry_after;  // the header's value
    bool permanent = false;  // another attempt cannot end otherwise: refused address, malformed URL
    Milliseconds duration{0};

    [[nodiscard]] bool delivered() const { return http_status >= 200 && http_status < 300; }
};

struct RetryPolicy {
    int attempts_max = 8;
    Milliseconds backoff_base{1'000};
    Milliseconds backoff_max{60'000};
    Milliseconds retry_after_max{120'000};
};

/// When to try again after `attempts` attempts, the last of which ended with `result`; nothing when
/// the delivery is dead. Exponential backoff with jitter over its upper half, so that receivers
/// that failed together are not called together again, and `Retry-After` where it asks for longer.
std::optional<Instant> next_attempt(const RetryPolicy& policy, const SendResult& result,
                                    int attempts, Instant now, Random& random);

/// The wait that a Retry-After value asks for (RFC 9110, 10.2.3): seconds or an HTTP date.
std::optional<Milliseconds> parse_retry_after(std::string_view value, Instant now);

}  // namespace florin::gateway
