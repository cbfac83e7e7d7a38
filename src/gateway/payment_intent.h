#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"

namespace florin::gateway {

/// Numbers are those of payment.v1.PaymentStatus.
enum class PaymentState : std::uint8_t {
    Pending = 1,
    Processing = 2,
    Completed = 3,
    Failed = 4,
    Cancelled = 5,
    Refunded = 6,
    Expired = 7,
};
/// "PAYMENT_STATUS_COMPLETED" …
std::string_view name_of(PaymentState state);
std::optional<PaymentState> payment_state_from(int number);

/// Numbers are those of payment.v1.PaymentScenario.
enum class Scenario : std::uint8_t { Approve = 1, Fail = 2, Delay = 3, Random = 4, Timeout = 5 };
/// "approve" …
std::string_view name_of(Scenario scenario);
std::optional<Scenario> scenario_from(int number);
/// Takes the short and the full name, in any case.
std::optional<Scenario> parse_scenario(std::string_view name);

/// Why a command on a payment was refused.
enum class IntentRefusal : std::uint8_t {
    NotCancellable,  // it is failed, cancelled, refunded or expired
    NotProcessable,  // it is cancelled, refunded or expired
    CurrencyDiffers,
    AmountNotPositive,
    AmountTooLarge,      // more than is left to refund
    RefundBeforeOutcome  // a refund amount for a payment that was never completed
};

/// What a command did that the world may want to know.
enum class IntentChange : std::uint8_t {
    None,
    Processing,
    Completed,
    Failed,
    Cancelled,
    Refunded,
    Expired
};

/// Rolls RANDOM payments: the n-th roll of a seed is always the same, so a run can be repeated.
/// Thread-safe.
class ScenarioDice {
public:
    ScenarioDice(std::uint64_t seed, double approve_rate)
        : seed_(seed), approve_rate_(approve_rate) {}
    PaymentState roll();

private:
    const std::uint64_t seed_;
    const double approve_rate_;
    std::atomic<std::uint64_t> rolled_{0};
};

/// A payment from its request to its last refund. It belongs to one command: not thread-safe.
/// Invariants: at most one outcome (Completed, Failed, Cancelled, Expired); 0 <= refunded <=
/// amount, equal exactly when Refunded; `due_at` is set while the clock still has something to do.
struct PaymentIntent {
    Uuid id;
    std::string reservation_id;
    std::string user_id;
    Money amount;
    int method = 0;  // number of payment.v1.PaymentMethod
    Scenario scenario = Scenario::Approve;
    PaymentState planned = PaymentState::Completed;  // what the clock will make of it
    PaymentState state = PaymentState::Pending;
    Instant created_at;
    Instant updated_at;
    std::optional<Instant> processing_at;  // when a payment that hangs began to
    std::optional<Instant> processed_at;   // of the outcome
    Instant expires_at;
    std::optional<Instant> due_at;
    std::int64_t refunded = 0;  // minor units
    std::string webhook_url;
    std::string metadata;  // encoded payment.v1.PaymentMetadata
    std::string trace_id;

    /// The clock has reached `due_at`.
    IntentChange settle(Instant now);
    /// The client asks for the outcome now. Asking again gives the same outcome and changes
    /// nothing.
    std::expected<IntentChange, IntentRefusal> process(Instant now);
    /// Cancels an undecided payment; refunds a completed one by `refund`, or by all that is left.
    std::expected<IntentChange, IntentRefusal> cancel(std::optional<Money> refund, Instant now);

private:
    IntentChange decide(PaymentState outcome, Instant now);
    IntentChange begin_processing(Instant now);
    std::expected<IntentChange, IntentRefusal> refund_part(std::optional<Money> part, Instant now);
};

/// How long payments take, from settings.
struct ScenarioTiming {
    Milliseconds delay{2'000};
    Milliseconds delay_scenario{2'000};
    Milliseconds time_to_live{900'000};
};

/// Plans a new payment: its outcome, when it is due (counted from `created_at`), when it expires.
/// `delay` overrides the scenario's own.
void plan(PaymentIntent& intent, const ScenarioTiming& timing, ScenarioDice& dice,
          std::optional<Milliseconds> delay);

/// "pay-<uuid>", the id on the wire, and back; nothing when it cannot be one of ours.
std::string wire_id(const Uuid& id);
std::optional<Uuid> parse_wire_id(std::string_view text);

}  // namespace florin::gateway
