#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "payments/payment.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/runtime/awaitable.h"

namespace florin::payments {

/// One request to a gateway. (payment, step) names it for ever: a repeated call is the same call.
struct GatewayCall {
    Operation operation = Operation::Authorize;
    Uuid payment;
    std::int64_t step = 0;  // the payment's version when it was asked
    std::string merchant;
    std::int64_t amount = 0;  // of this operation, minor units
    std::int64_t held = 0;    // what was authorized
    Currency currency = Currency::krw();
    std::string gateway_reference;  // of the authorization; empty when authorizing
    std::string reason;
    std::string trace_id;

    /// The idempotency key the call carries.
    [[nodiscard]] std::string idempotency_key() const;
};

/// The call for the request a payment has under way.
GatewayCall call_for(const Payment& payment);

struct Approved {
    std::string gateway_reference;
    std::string approval_number;
};
struct Declined {
    std::string code;     // "INSUFFICIENT_FUNDS"
    std::string message;  // for people
};
/// The call may or may not have moved money (time-out, reset, 5xx). Never treat it as a decline:
/// ask `find` until it answers, and keep the payment under way meanwhile.
struct Unknown {
    enum class Kind : std::uint8_t { Fault, TimedOut, NotCalled };
    Kind kind = Kind::Fault;
    std::string reason;
};
using GatewayAnswer = std::variant<Approved, Declined, Unknown>;

/// The gateway has never seen that call: it is safe to make it.
struct NeverSeen {};
using FindAnswer = std::variant<Approved, Declined, Unknown, NeverSeen>;

/// Port: who takes the money. Thread-safe. Calls end by their own deadline.
class PaymentGateway {
public:
    virtual ~PaymentGateway() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;

    /// Decides without any effect or wait, when it can: the whole operation is then one commit. May
    /// be called on the writer, and again.
    [[nodiscard]] virtual std::optional<GatewayAnswer> decide(const GatewayCall& call) const = 0;

    virtual awaitable<GatewayAnswer> call(GatewayCall call) = 0;
    /// What became of a call.
    virtual awaitable<FindAnswer> find(GatewayCall call) = 0;
};

}  // namespace florin::payments
