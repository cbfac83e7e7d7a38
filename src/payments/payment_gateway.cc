#include "payments/payment_gateway.h"

namespace florin::payments {

std::string GatewayCall::idempotency_key() const {
    std::string key(name_of(operation));
    key += '-';
    payment.append_to(key);
    key += '-';
    key += std::to_string(step);
    return key;
}

GatewayCall call_for(const Payment& payment) {
    GatewayCall call;
    call.operation = payment.operation();
    call.payment = payment.id;
    call.step = payment.version;
    call.merchant = payment.merchant;
    call.amount = payment.requested > 0 ? payment.requested : payment.amount;
    call.held = payment.amount;
    call.currency = payment.currency;
    call.gateway_reference = payment.gateway_reference;
    call.reason = payment.reason;
    call.trace_id = payment.trace_id;
    return call;
}

}  // namespace florin::payments
