#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "payments/guarded_gateway.h"

namespace florin::payments {

/// Which gateway takes whose money, each behind a circuit breaker of its own. Filled before it is
/// used, then only read: thread-safe.
class Gateways {
public:
    /// `clock` is monotonic and outlives this object.
    Gateways(const Clock& clock, limits::CircuitBreakerOptions breaker)
        : clock_(clock), breaker_(breaker) {}

    /// The first one added serves every merchant that has none of its own.
    void add(std::unique_ptr<PaymentGateway> gateway);
    /// `gateway` is the name of one that was added.
    void assign(std::string merchant, std::string_view gateway);

    [[nodiscard]] PaymentGateway& of_merchant(std::string_view merchant) const;
    /// The gateway a stored payment was made with; nullptr when this configuration has it no more.
    [[nodiscard]] PaymentGateway* named(std::string_view name) const;

    [[nodiscard]] const std::vector<std::unique_ptr<GuardedGateway>>& all() const {
        return gateways_;
    }

private:
    const Clock& clock_;
    const limits::CircuitBreakerOptions breaker_;
    std::vector<std::unique_ptr<GuardedGateway>> gateways_;
    std::map<std::string, PaymentGateway*, std::less<>> assigned_;
};

}  // namespace florin::payments
