#pragma once

#include <cstddef>
#include <cstdint>

#include "platform/base/time.h"

namespace florin::store {

/// How much pruning does at once and how long it rests in between, learned from turn to turn: each
/// turn holds the writer for a few milliseconds at most, whatever rows cost here, and all of them
/// together for a quarter of its time while others want it, half of it while nobody does. Pure
/// state: belongs to the pruning's loop.
class PruningPace {
public:
    /// What one command did.
    struct Turn {
        std::int64_t rows = 0;
        bool more = false;     // a rule reached its limit
        Microseconds took{0};  // of the writer
    };

    /// The limit of each rule in the next turn.
    [[nodiscard]] int rows_per_rule() const { return rows_per_rule_; }
    /// Learns from a turn; how long to rest after it. `commands_waiting` is the writer's queue.
    Microseconds rest_after(const Turn& turn, std::size_t commands_waiting);

private:
    int rows_per_rule_ = 200;
};

}  // namespace florin::store
