#include "payments/effects.h"

#include <variant>

#include "ledger/ledger.h"
#include "payments/payment_json.h"
#include "platform/base/require.h"
#include "platform/crypto/hmac.h"

namespace florin::payments {
namespace {

/// The event that tells of a change, or nothing when the outside has nothing to do with it.
std::string_view event_type(State before, State after) {
    switch (after) {
        case State::Authorized:
            return before == State::VoidRequested ? "payment.void-failed" : "payment.authorized";
        case State::AuthFailed:
            return "payment.authorization-failed";
        case State::CaptureRequested:
            return "payment.capture-requested";
        case State::Captured:
            return "payment.captured";
        case State::CaptureFailed:
            return "payment.capture-failed";
        case State::RefundRequested:
            return "payment.refund-requested";
        case State::PartiallyRefunded:
        case State::Refunded:
            return "payment.refunded";
        case State::RefundFailed:
            return "payment.refund-failed";
        case State::Voided:
            return "payment.voided";
        case State::Ready:
        case State::VoidRequested:
            return {};
    }
    return {};
}

/// The id of the event about one change: whoever computes it again gets the same one.
Uuid event_id(const Payment& payment) {
    std::string named(payment.id.view());
    for (int shift = 56; shift >= 0; shift -= 8)
        named += static_cast<char>((payment.version >> shift) & 0xFF);
    Uuid id = first_uuid_at(payment.updated_at);
    const auto digest = crypto::fingerprint("payment-event", named);
    for (std::size_t i = 6; i < 16; ++i) id.bytes[i] = digest[i];
    id.bytes[6] = static_cast<std::uint8_t>(0x70U | (id.bytes[6] & 0x0FU));  // version 7
    id.bytes[8] = static_cast<std::uint8_t>(0x80U | (id.bytes[8] & 0x3FU));  // RFC 9562's variant
    return id;
}

std::optional<outbox::Event> event_of(State before, const Payment& after, std::int64_t amount) {
    const std::string_view type = event_type(before, after.state);
    if (type.empty()) return std::nullopt;
    outbox::Event event{.id = event_id(after),
                        .type = std::string(type),
                        .aggregate_type = "merchant_payment",
                        .aggregate_id = after.id.text(),
                        .payload = {},
                        .at = after.updated_at};
    event.payload =
        outbox::cloud_event(event, event_source, after.trace_id, event_data_json(after, amount));
    return event;
}

struct Booked {
    ledger::Movement movement;
    std::vector<ledger::Entry> entries;
};

std::optional<Booked> booked(State before, const Payment& after, std::int64_t amount,
                             std::int64_t fee_basis_points) {
    switch (after.state) {
        case State::Authorized:
            if (before == State::VoidRequested) return std::nullopt;
            return Booked{ledger::Movement::Authorize, ledger::authorize_entries(after.amount)};
        case State::Captured:
            return Booked{ledger::Movement::Capture,
                          ledger::capture_entries(
                              after.amount, after.captured,
                              ledger::fee_of(after.captured,
                                             after.fee_basis_points.value_or(fee_basis_points)))};
        case State::PartiallyRefunded:
        case State::Refunded:
            return Booked{ledger::Movement::Refund, ledger::refund_entries(amount)};
        case State::Voided:
            return Booked{ledger::Movement::Void, ledger::void_entries(after.amount)};
        case State::Ready:
        case State::AuthFailed:
        case State::CaptureRequested:
        case State::CaptureFailed:
        case State::RefundRequested:
        case State::RefundFailed:
        case State::VoidRequested:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

Effects effects_of(State before, const Payment& after, std::int64_t amount,
                   std::int64_t fee_basis_points) {
    Effects effects;
    effects.payment = after.id;
    if (auto money = booked(before, after, amount, fee_basis_points)) {
        effects.posting = ledger::Posting{.merchant = after.merchant,
                                          .currency = after.currency,
                                          .movement = money->movement,
                                          .subject = after.id,
                                          .step = after.version,
                                          .at = after.updated_at,
                                          .entries = std::move(money->entries)};
    }
    effects.event = event_of(before, after, amount);
    // The authorization stands in the payment itself.
    if (before != State::Ready) {
        effects.step = Step{after.version, after.state, amount, after.updated_at,
                            after.failure_message.empty() ? after.reason : after.failure_message};
    }
    return effects;
}

void apply(store::Transaction& tx, const Effects& effects) {
    if (effects.posting) ledger::post(tx, *effects.posting);
    if (effects.event) outbox::append(tx, *effects.event);
    if (effects.step) insert_step(tx, effects.payment, *effects.step);
}

void settle(Payment& payment, const GatewayAnswer& answer, Instant now) {
    if (const auto* approved = std::get_if<Approved>(&answer)) {
        // Later operations keep the reference of the authorization: gateways know the payment by
        // it.
        if (payment.operation() == Operation::Authorize) {
            payment.gateway_reference = approved->gateway_reference;
            payment.approval_number = approved->approval_number;
        }
        payment.approve(now);
        return;
    }
    const auto* declined = std::get_if<Declined>(&answer);
    require(declined != nullptr, "an unknown outcome decides nothing");
    payment.decline(declined->code, declined->message, now);
}

StoredAnswer answer_of(Operation operation, const Payment& after,
                       const std::vector<ledger::Entry>& entries) {
    if (is_under_way(after.state)) return {202, payment_json(operation, after, {})};
    if (!after.failure_code.empty())
        return {402, error_json(after.failure_code, after.failure_message, after.id)};
    return {200, payment_json(operation, after, entries)};
}

std::optional<Completed> complete(store::Transaction& tx, const Payment& asked,
                                  const GatewayAnswer& answer, Instant now,
                                  std::int64_t fee_basis_points) {
    auto payment = find_payment(tx, asked.id);
    if (!payment || payment->version != asked.version) return std::nullopt;
    const Operation operation = payment->operation();
    const State before = payment->state;
    const std::int64_t amount = payment->requested > 0 ? payment->requested : payment->amount;
    const std::int64_t version = payment->version;
    settle(*payment, answer, now);
    update_payment(tx, *payment, version);
    const Effects effects = effects_of(before, *payment, amount, fee_basis_points);
    apply(tx, effects);
    StoredAnswer told =
        answer_of(operation, *payment,
                  effects.posting ? effects.posting->entries : std::vector<ledger::Entry>{});
    keep_answer_if_none(tx, payment->answer_id, told);
    return Completed{std::move(told), effects.movement()};
}

}  // namespace florin::payments
