#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "payments/payment_gateway.h"

namespace florin::payments {

/// Which gateway takes whose money. Filled before it is used, then only read: thread-safe.
class Gateways {
public:
    /// The first one added serves every merchant that has none of its own.
    void add(std::unique_ptr<PaymentGateway> gateway);
    /// `gateway` is the name of one that was added.
    void assign(std::string merchant, std::string_view gateway);

    [[nodiscard]] PaymentGateway& of_merchant(std::string_view merchant) const;
    /// The gateway a stored payment was made with; nullptr when this configuration has it no more.
    [[nodiscard]] PaymentGateway* named(std::string_view name) const;

private:
    std::vector<std::unique_ptr<PaymentGateway>> gateways_;
    std::map<std::string, PaymentGateway*, std::less<>> assigned_;
};

}  // namespace florin::payments
