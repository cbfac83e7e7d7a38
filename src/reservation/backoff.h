#pragma once

#include "platform/base/time.h"

namespace florin::reservation {

/// How long a message waits after `attempts` (1 or more) that failed: twice as long after each,
/// from twice the base up to sixteen times.
Milliseconds backoff_of(Milliseconds base, int attempts);

}  // namespace florin::reservation
