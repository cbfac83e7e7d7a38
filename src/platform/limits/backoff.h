#pragma once

#include "platform/base/random.h"
#include "platform/base/time.h"

namespace florin::limits {

/// Waits between attempts: `base` after the first, twice as long after each further one, up to
/// `max`.
struct BackoffPolicy {
    Milliseconds base{1'000};
    Milliseconds max{60'000};
};

/// How long to wait after `attempts` attempts (1 or more) have failed. The upper half of the wait
/// is random, so that callers who failed together do not come back together.
Milliseconds backoff(const BackoffPolicy& policy, int attempts, Random& random);

}  // namespace florin::limits
