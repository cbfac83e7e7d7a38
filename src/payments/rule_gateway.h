#pragma once

#include "payments/payment_gateway.h"

namespace florin::payments {

/// Amounts that make the built-in gateway say something else than yes, as test cards do: minor
/// units of the operation's own amount (docs/payments.md).
namespace magic_amount {
constexpr std::int64_t answers_late = 100'202;  // yes, but after `late_after`
constexpr std::int64_t insufficient_funds = 100'402;
constexpr std::int64_t card_declined = 100'403;
constexpr std::int64_t card_expired = 100'405;
constexpr std::int64_t fault = 100'500;          // an error that tells nothing
constexpr std::int64_t never_answers = 100'504;  // neither to the call nor when asked later
}  // namespace magic_amount

/// The default gateway: decides in process, by rules, without a network. An answer depends on its
/// call alone, so asking again gives the same one.
class RuleGateway final : public PaymentGateway {
public:
    /// A call that does not answer ends after `deadline`; a late one answers after `late_after`.
    RuleGateway(Milliseconds deadline, Milliseconds late_after)
        : deadline_(deadline), late_after_(late_after) {}

    [[nodiscard]] std::string_view name() const override { return "rules"; }
    [[nodiscard]] std::optional<GatewayAnswer> decide(const GatewayCall& call) const override;
    awaitable<GatewayAnswer> call(GatewayCall call) override;
    awaitable<FindAnswer> find(GatewayCall call) override;

private:
    Milliseconds deadline_;
    Milliseconds late_after_;
};

}  // namespace florin::payments
