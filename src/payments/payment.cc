#include "payments/payment.h"

#include <array>
#include <utility>

#include "platform/base/require.h"

namespace florin::payments {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 12> names{{
    {State::Ready, "READY"},
    {State::Authorized, "AUTHORIZED"},
    {State::AuthFailed, "AUTH_FAILED"},
    {State::CaptureRequested, "CAPTURE_REQUESTED"},
    {State::Captured, "CAPTURED"},
    {State::CaptureFailed, "CAPTURE_FAILED"},
    {State::RefundRequested, "REFUND_REQUESTED"},
    {State::PartiallyRefunded, "PARTIALLY_REFUNDED"},
    {State::Refunded, "REFUNDED"},
    {State::RefundFailed, "REFUND_FAILED"},
    {State::VoidRequested, "VOID_REQUESTED"},
    {State::Voided, "VOIDED"},
}};

}  // namespace

std::string_view name_of(State state) {
    for (const auto& [known, name] : names) {
        if (known == state) return name;
    }
    require(false, "a stored payment has one of the known states");
    return {};
}

std::optional<State> state_named(std::string_view name) {
    for (const auto& [state, known] : names) {
        if (known == name) return state;
    }
    return std::nullopt;
}

bool is_under_way(State state) {
    return state == State::Ready || state == State::CaptureRequested ||
           state == State::RefundRequested || state == State::VoidRequested;
}

std::string_view name_of(Operation operation) {
    switch (operation) {
        case Operation::Authorize:
            return "authorize";
        case Operation::Capture:
            return "capture";
        case Operation::Refund:
            return "refund";
        case Operation::Void:
            return "void";
    }
    return {};
}

Operation Payment::operation() const {
    if (state == State::CaptureRequested) return Operation::Capture;
    if (state == State::RefundRequested) return Operation::Refund;
    if (state == State::VoidRequested) return Operation::Void;
    return Operation::Authorize;
}

std::expected<void, RuleRefusal> Payment::request_capture(std::int64_t part, Instant now) {
    if (state != State::Authorized && state != State::CaptureFailed)
        return std::unexpected(RuleRefusal::WrongState);
    if (part <= 0) return std::unexpected(RuleRefusal::AmountNotPositive);
    if (part > amount) return std::unexpected(RuleRefusal::AmountTooLarge);
    requested = part;
    change_to(State::CaptureRequested, now);
    return {};
}

std::expected<void, RuleRefusal> Payment::request_refund(std::int64_t part, std::string why,
                                                         Instant now) {
    if (state != State::Captured && state != State::PartiallyRefunded &&
        state != State::RefundFailed) {
        return std::unexpected(RuleRefusal::WrongState);
    }
    if (part <= 0) return std::unexpected(RuleRefusal::AmountNotPositive);
    // Compare with what is left: the sum `refunded + part` may overflow for a hostile amount.
    if (part > refundable()) return std::unexpected(RuleRefusal::AmountTooLarge);
    requested = part;
    reason = std::move(why);
    change_to(State::RefundRequested, now);
    return {};
}

std::expected<void, RuleRefusal> Payment::request_void(std::string why, Instant now) {
    if (state != State::Authorized && state != State::CaptureFailed)
        return std::unexpected(RuleRefusal::WrongState);
    reason = std::move(why);
    change_to(State::VoidRequested, now);
    return {};
}

void Payment::approve(Instant now) {
    require(is_under_way(state), "a gateway answers only what it was asked");
    switch (operation()) {
        case Operation::Authorize:
            change_to(State::Authorized, now);
            break;
        case Operation::Capture:
            captured = std::exchange(requested, 0);
            change_to(State::Captured, now);
            break;
        case Operation::Refund:
            refunded += std::exchange(requested, 0);
            change_to(refunded == captured ? State::Refunded : State::PartiallyRefunded, now);
            break;
        case Operation::Void:
            change_to(State::Voided, now);
            break;
    }
    failure_code.clear();
    failure_message.clear();
    require(refunded >= 0 && refunded <= captured && captured <= amount,
            "no payment captures more than authorized or gives back more than captured");
}

void Payment::decline(std::string code, std::string message, Instant now) {
    require(is_under_way(state), "a gateway answers only what it was asked");
    failure_code = std::move(code);
    failure_message = std::move(message);
    requested = 0;
    switch (operation()) {
        case Operation::Authorize:
            change_to(State::AuthFailed, now);
            break;
        case Operation::Capture:
            change_to(State::CaptureFailed, now);
            break;
        case Operation::Refund:
            change_to(State::RefundFailed, now);
            break;
        case Operation::Void:
            change_to(State::Authorized, now);
            break;
    }
}

void Payment::change_to(State next, Instant now) {
    state = next;
    updated_at = now;
    ++version;
    attempts = 0;
    due_at.reset();
}

}  // namespace florin::payments
