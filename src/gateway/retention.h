#pragma once

#include <chrono>
#include <vector>

#include "platform/base/time.h"
#include "platform/store/pruning.h"

namespace florin::gateway {

struct Retention {
    std::chrono::hours payments{168};  // 0: everything is kept
    Milliseconds idempotency{86'400'000};
};

/// What the gateway deletes: idempotency keys, finished payments and their deliveries.
std::vector<store::PruneRule> prune_rules(const Retention& retention);

}  // namespace florin::gateway
