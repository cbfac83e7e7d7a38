#include "platform/limits/backoff.h"

namespace florin::limits {

Milliseconds backoff(const BackoffPolicy& policy, int attempts, Random& random) {
    Milliseconds wait = std::min(policy.base, policy.max);
    for (int failed = 1; failed < attempts && wait < policy.max; ++failed) {
        wait = wait > policy.max / 2 ? policy.max : wait * 2;
        if (wait.count() <= 0) break;  // a base of nothing never grows
    }
    return std::chrono::round<Milliseconds>(wait * (0.5 + 0.5 * random.unit()));
}

}  // namespace florin::limits
