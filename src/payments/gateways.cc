#include "payments/gateways.h"

#include "platform/base/require.h"

namespace florin::payments {

void Gateways::add(std::unique_ptr<PaymentGateway> gateway) {
    require(named(gateway->name()) == nullptr, "gateways have different names");
    gateways_.push_back(std::make_unique<GuardedGateway>(std::move(gateway), breaker_, clock_));
}

void Gateways::assign(std::string merchant, std::string_view gateway) {
    PaymentGateway* const found = named(gateway);
    require(found != nullptr, "merchants are assigned to gateways that exist");
    assigned_[std::move(merchant)] = found;
}

PaymentGateway& Gateways::of_merchant(std::string_view merchant) const {
    require(!gateways_.empty(), "there is a default gateway");
    const auto found = assigned_.find(merchant);
    return found == assigned_.end() ? *gateways_.front() : *found->second;
}

PaymentGateway* Gateways::named(std::string_view name) const {
    for (const auto& gateway : gateways_) {
        if (gateway->name() == name) return gateway.get();
    }
    return nullptr;
}

}  // namespace florin::payments
