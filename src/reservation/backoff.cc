#include "reservation/backoff.h"

#include <algorithm>

namespace florin::reservation {

Milliseconds backoff_of(Milliseconds base, int attempts) {
    const int doublings = std::clamp(attempts, 1, 4);
    return base * (1 << doublings);
}

}  // namespace florin::reservation
