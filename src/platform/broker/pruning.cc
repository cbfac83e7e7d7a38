#include "platform/broker/pruning.h"

#include <algorithm>
#include <limits>

#include "platform/broker/offsets.h"

namespace florin::broker {
namespace {

constexpr store::Sql delete_consumed(
    "DELETE FROM outbox WHERE seq IN"
    " (SELECT seq FROM outbox WHERE seq <= ? ORDER BY seq LIMIT ?) AND created_at < ?",
    "DELETE e FROM outbox e JOIN"
    " (SELECT seq FROM outbox WHERE seq <= ? ORDER BY seq LIMIT ?) oldest"
    " ON oldest.seq = e.seq WHERE e.created_at < ?");

}  // namespace

std::int64_t prune_consumed(store::Transaction& tx, Instant before, int limit,
                            const std::vector<std::string>& groups) {
    std::int64_t consumed = std::numeric_limits<std::int64_t>::max();
    for (const std::string& group : groups)
        consumed = std::min(consumed, offset_of(tx, group).value_or(0));
    return tx.execute(delete_consumed, consumed, limit, before);
}

}  // namespace florin::broker
