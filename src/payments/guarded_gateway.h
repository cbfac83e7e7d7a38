#pragma once

#include <memory>

#include "payments/payment_gateway.h"
#include "platform/limits/circuit_breaker.h"

namespace florin::payments {

/// A gateway behind a circuit breaker: when its calls keep failing or being slow, it is left alone
/// for a while and the calls answer `Unknown` (NotCalled) at once. A decline is a success: the
/// gateway is well. What the gateway decides by itself never goes through the breaker.
class GuardedGateway final : public PaymentGateway {
public:
    /// `clock` is monotonic and outlives this object.
    GuardedGateway(std::unique_ptr<PaymentGateway> gateway, limits::CircuitBreakerOptions options,
                   const Clock& clock)
        : gateway_(std::move(gateway)),
          clock_(clock),
          breaker_(std::make_shared<limits::CircuitBreaker>(options, clock)) {}

    [[nodiscard]] std::string_view name() const override { return gateway_->name(); }
    [[nodiscard]] std::optional<GatewayAnswer> decide(const GatewayCall& call) const override {
        return gateway_->decide(call);
    }
    awaitable<GatewayAnswer> call(GatewayCall call) override;
    awaitable<FindAnswer> find(GatewayCall call) override;

    [[nodiscard]] limits::CircuitState circuit() const { return breaker_->state(); }

private:
    /// Runs `work` if the breaker permits and tells it how that went.
    template <class Result>
    awaitable<Result> through_breaker(awaitable<Result> work);

    std::unique_ptr<PaymentGateway> gateway_;
    const Clock& clock_;
    // Shared with the calls under way: one that outlasts the shutdown's deadline dies with its
    // loop.
    const std::shared_ptr<limits::CircuitBreaker> breaker_;
};

}  // namespace florin::payments
