#include "platform/store/pruning_pace.h"

#include <algorithm>

namespace florin::store {
namespace {

// What a command of somebody else may have to wait for.
constexpr Microseconds turn_max = Milliseconds(4);
constexpr int rows_min = 50;
constexpr int rows_max = 4'096;
constexpr Microseconds rest_min = Milliseconds(1);
// Some rows were old, but not many: more will be soon.
constexpr Microseconds rest_when_caught_up = Seconds(1);
constexpr Microseconds rest_when_nothing_is_old = std::chrono::minutes(1);

}  // namespace

Microseconds PruningPace::rest_after(const Turn& turn, std::size_t commands_waiting) {
    if (turn.took > turn_max) {
        rows_per_rule_ = std::max(rows_min, rows_per_rule_ / 2);
    } else if (turn.more && turn.took < turn_max / 2) {
        rows_per_rule_ = std::min(rows_max, rows_per_rule_ * 2);
    }
    if (turn.rows == 0) return rest_when_nothing_is_old;
    if (!turn.more) return rest_when_caught_up;
    return std::max(rest_min, commands_waiting > 0 ? 3 * turn.took : turn.took);
}

}  // namespace florin::store
