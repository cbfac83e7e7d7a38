#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"

/// The rules of a merchant payment, pure: no path captures more than was authorized, gives back
/// more than was captured, or leaves a terminal state.
namespace florin::payments {

/// Numbers are stored: they never change.
enum class State : std::uint8_t {
    Ready = 1,             // recorded; the gateway has not said yet
    Authorized = 2,        // the customer's bank holds the amount
    AuthFailed = 3,        // terminal
    CaptureRequested = 4,  // the gateway is asked
    Captured = 5,
    CaptureFailed = 6,    // the gateway said no; may be captured again, or voided
    RefundRequested = 7,  // the gateway is asked
    PartiallyRefunded = 8,
    Refunded = 9,        // terminal
    RefundFailed = 10,   // the gateway said no; may be refunded again
    VoidRequested = 11,  // the gateway is asked
    Voided = 12,         // terminal
};
/// "CAPTURE_REQUESTED", and back.
std::string_view name_of(State state);
std::optional<State> state_named(std::string_view name);
/// The gateway is asked, or is about to be: nobody may ask for anything else meanwhile.
bool is_under_way(State state);

/// What is asked of a gateway. Numbers are stored in its idempotency keys: they never change.
enum class Operation : std::uint8_t { Authorize = 1, Capture = 2, Refund = 3, Void = 4 };
/// "authorize" …
std::string_view name_of(Operation operation);

/// Why a request about a payment was refused, in order of precedence.
enum class RuleRefusal : std::uint8_t {
    WrongState,  // this operation is not open to a payment in this state
    AmountNotPositive,
    AmountTooLarge,  // more than is left to capture or to give back
};

/// A merchant's payment. Amounts in minor units of `currency`.
/// Invariant: 0 <= refunded <= captured <= amount; `requested` > 0 exactly while a capture or
/// refund is under way.
struct Payment {
    Uuid id;
    std::string merchant;
    std::string idempotency_key;
    std::int64_t amount = 0;
    Currency currency = Currency::krw();
    State state = State::Ready;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;
    std::int64_t requested = 0;
    // Our share of a capture, agreed on with the authorization; unknown of payments that are older
    // than its being kept.
    std::optional<std::int64_t> fee_basis_points;
    std::int64_t version = 0;       // counts the changes, from 0
    std::string gateway;            // its name
    std::string gateway_reference;  // the gateway's own id of the authorization
    std::string approval_number;
    std::string failure_code;  // why the last operation failed
    std::string failure_message;
    std::string reason;             // of the last refund or void, the merchant's words
    Uuid answer_id;                 // where the answer to the operation under way will stand
    int attempts = 0;               // of the operation under way
    std::optional<Instant> due_at;  // when a worker looks after the operation under way
    Instant requested_at;
    Instant updated_at;
    std::string trace_id;

    [[nodiscard]] std::int64_t refundable() const { return captured - refunded; }
    /// Of the request under way; Authorize when there is none.
    [[nodiscard]] Operation operation() const;

    /// Each moves the payment to the requested state, or leaves it untouched.
    std::expected<void, RuleRefusal> request_capture(std::int64_t part, Instant now);
    std::expected<void, RuleRefusal> request_refund(std::int64_t part, std::string why,
                                                    Instant now);
    std::expected<void, RuleRefusal> request_void(std::string why, Instant now);

    /// The gateway's word on the request under way; calling them without one is a bug.
    void approve(Instant now);
    void decline(std::string code, std::string message, Instant now);

private:
    void change_to(State next, Instant now);
};

}  // namespace florin::payments
