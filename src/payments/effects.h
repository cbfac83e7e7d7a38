#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/posting.h"
#include "payments/idempotency.h"
#include "payments/payment.h"
#include "payments/payment_gateway.h"
#include "payments/payment_store.h"
#include "platform/outbox/outbox.h"
#include "platform/store/session.h"

/// What a change of a payment brings with it: its ledger posting, its event, its line in the
/// history. All of it goes into the transaction of the change.
namespace florin::payments {

/// What its events name as their source: others may have events of the same type.
constexpr std::string_view event_source = "/florin/payments";

struct Effects {
    /// The money that moves; nothing when none does.
    [[nodiscard]] std::optional<ledger::Movement> movement() const {
        return posting ? std::optional(posting->movement) : std::nullopt;
    }

    Uuid payment;
    std::optional<ledger::Posting> posting;
    std::optional<outbox::Event> event;
    std::optional<Step> step;
};

/// Of a change from `before` to `after`; `amount` is what the operation was about, minor units, and
/// `fee_basis_points` our share of a capture of a payment that does not know its own.
Effects effects_of(State before, const Payment& after, std::int64_t amount,
                   std::int64_t fee_basis_points);
void apply(store::Transaction& tx, const Effects& effects);

/// Lets a gateway's word (Approved or Declined) decide the request under way.
void settle(Payment& payment, const GatewayAnswer& answer, Instant now);

/// What the client of an operation is told of its outcome: 200, 202 while it is under way, 402 when
/// it was declined.
StoredAnswer answer_of(Operation operation, const Payment& after,
                       const std::vector<ledger::Entry>& entries);

/// What a request came to.
struct Completed {
    StoredAnswer answer;
    std::optional<ledger::Movement> posted;
};

/// Decides the request that `asked` has under way and keeps the answer for its client, all in one
/// transaction. Nothing when somebody else has decided it in the meantime.
std::optional<Completed> complete(store::Transaction& tx, const Payment& asked,
                                  const GatewayAnswer& answer, Instant now,
                                  std::int64_t fee_basis_points);

}  // namespace florin::payments
