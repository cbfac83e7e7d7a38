#include "payments/rule_gateway.h"

#include "platform/base/random.h"
#include "platform/runtime/loop.h"

namespace florin::payments {
namespace {

constexpr std::string_view upper_digits = "0123456789ABCDEF";
constexpr std::string_view lower_digits = "0123456789abcdef";

/// Eight digits that depend on the payment alone.
std::string eight_of(const Uuid& id, std::uint64_t salt, std::string_view digits) {
    std::uint64_t folded = salt;
    for (const std::uint8_t byte : id.bytes) folded = Random::mix(folded + byte);
    std::string text(8, '0');
    for (char& digit : text) {
        digit = digits[folded & 0xFU];
        folded >>= 4U;
    }
    return text;
}

Approved approved(const GatewayCall& call) {
    return {"txn_" + eight_of(call.payment, 1, lower_digits),
            "APP" + eight_of(call.payment, 2, upper_digits)};
}

}  // namespace

std::optional<GatewayAnswer> RuleGateway::decide(const GatewayCall& call) const {
    // A void names no amount of its own: it never fails.
    if (call.operation == Operation::Void) return approved(call);
    switch (call.amount) {
        case magic_amount::insufficient_funds:
            return Declined{"INSUFFICIENT_FUNDS", "The account does not cover the amount"};
        case magic_amount::card_declined:
            return Declined{"CARD_DECLINED", "The card's bank declined"};
        case magic_amount::card_expired:
            return Declined{"CARD_EXPIRED", "The card has expired"};
        case magic_amount::answers_late:
        case magic_amount::fault:
        case magic_amount::never_answers:
            return std::nullopt;
        default:
            return approved(call);
    }
}

awaitable<GatewayAnswer> RuleGateway::call(GatewayCall call) {
    if (auto decided = decide(call)) co_return std::move(*decided);
    if (call.amount == magic_amount::fault)
        co_return Unknown{Unknown::Kind::Fault, "the gateway answered with an internal error"};
    if (call.amount == magic_amount::answers_late && late_after_ < deadline_) {
        co_await runtime::sleep_for(late_after_);
        co_return approved(call);
    }
    co_await runtime::sleep_for(deadline_);
    co_return Unknown{Unknown::Kind::TimedOut, "the gateway did not answer within " +
                                                   std::to_string(deadline_.count()) + " ms"};
}

awaitable<FindAnswer> RuleGateway::find(GatewayCall call) {
    if (auto decided = decide(call)) {
        if (auto* yes = std::get_if<Approved>(&*decided)) co_return std::move(*yes);
        co_return std::get<Declined>(std::move(*decided));
    }
    if (call.amount == magic_amount::answers_late) co_return approved(call);
    if (call.amount == magic_amount::fault) co_return NeverSeen{};
    co_return Unknown{Unknown::Kind::Fault, "the gateway does not say what became of the call"};
}

}  // namespace florin::payments
