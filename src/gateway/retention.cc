#include "gateway/retention.h"

#include "gateway/idempotency.h"
#include "gateway/intent_store.h"
#include "gateway/webhooks/delivery_store.h"

namespace florin::gateway {

std::vector<store::PruneRule> prune_rules(const Retention& retention) {
    std::vector<store::PruneRule> rules;
    rules.emplace_back(
        [keep = retention.idempotency](store::Transaction& tx, Instant now, int limit) {
            return prune_idempotency(tx, now - keep, limit);
        });
    if (retention.payments.count() == 0) return rules;
    rules.emplace_back([keep = retention.payments](store::Transaction& tx, Instant now, int limit) {
        return prune_intents(tx, now - keep, limit);
    });
    rules.emplace_back([keep = retention.payments](store::Transaction& tx, Instant now, int limit) {
        return prune_deliveries(tx, now - keep, limit);
    });
    return rules;
}

}  // namespace florin::gateway
