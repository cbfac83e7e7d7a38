#include "gateway/payment_intent.h"

#include <algorithm>
#include <array>

#include "platform/base/ascii.h"
#include "platform/base/require.h"

namespace florin::gateway {
namespace {

constexpr std::array<std::string_view, 8> state_names = {
    "PAYMENT_STATUS_UNSPECIFIED", "PAYMENT_STATUS_PENDING", "PAYMENT_STATUS_PROCESSING",
    "PAYMENT_STATUS_COMPLETED",   "PAYMENT_STATUS_FAILED",  "PAYMENT_STATUS_CANCELLED",
    "PAYMENT_STATUS_REFUNDED",    "PAYMENT_STATUS_EXPIRED"};
constexpr std::array<std::string_view, 6> scenario_names = {"",      "approve", "fail",
                                                            "delay", "random",  "timeout"};

}  // namespace

std::string_view name_of(PaymentState state) {
    return state_names[static_cast<std::size_t>(state)];
}

std::optional<PaymentState> payment_state_from(int number) {
    if (number < 1 || number > 7) return std::nullopt;
    return static_cast<PaymentState>(number);
}

std::string_view name_of(Scenario scenario) {
    return scenario_names[static_cast<std::size_t>(scenario)];
}

std::optional<Scenario> scenario_from(int number) {
    if (number < 1 || number > 5) return std::nullopt;
    return static_cast<Scenario>(number);
}

std::optional<Scenario> parse_scenario(std::string_view name) {
    constexpr std::string_view prefix = "PAYMENT_SCENARIO_";
    if (name.size() > prefix.size() && equal_ignoring_case(name.substr(0, prefix.size()), prefix)) {
        name.remove_prefix(prefix.size());
    }
    for (int number = 1; number <= 5; ++number) {
        if (equal_ignoring_case(name, scenario_names[static_cast<std::size_t>(number)]))
            return scenario_from(number);
    }
    return std::nullopt;
}

PaymentState ScenarioDice::roll() {
    Random random(seed_ + Random::mix(rolled_.fetch_add(1, std::memory_order_relaxed)));
    return random.unit() < approve_rate_ ? PaymentState::Completed : PaymentState::Failed;
}

IntentChange PaymentIntent::settle(Instant now) {
    switch (state) {
        case PaymentState::Pending:
            // TIMEOUT: the gateway never answers; the payment hangs until it expires.
            if (planned == PaymentState::Processing) return begin_processing(now);
            return decide(planned, now);
        case PaymentState::Processing:
            return decide(PaymentState::Expired, now);
        case PaymentState::Completed:
        case PaymentState::Failed:
        case PaymentState::Cancelled:
        case PaymentState::Refunded:
        case PaymentState::Expired:
            return IntentChange::None;
    }
    require(false, "a payment has one of the seven states");
    return IntentChange::None;
}

std::expected<IntentChange, IntentRefusal> PaymentIntent::process(Instant now) {
    switch (state) {
        case PaymentState::Pending:
            if (planned == PaymentState::Processing) return begin_processing(now);
            return decide(planned, now);
        case PaymentState::Processing:
        case PaymentState::Completed:
        case PaymentState::Failed:
            return IntentChange::None;
        case PaymentState::Cancelled:
        case PaymentState::Refunded:
        case PaymentState::Expired:
            return std::unexpected(IntentRefusal::NotProcessable);
    }
    require(false, "a payment has one of the seven states");
    return IntentChange::None;
}

std::expected<IntentChange, IntentRefusal> PaymentIntent::cancel(std::optional<Money> refund,
                                                                 Instant now) {
    switch (state) {
        case PaymentState::Pending:
        case PaymentState::Processing:
            if (refund) return std::unexpected(IntentRefusal::RefundBeforeOutcome);
            return decide(PaymentState::Cancelled, now);
        case PaymentState::Completed:
            return refund_part(refund, now);
        case PaymentState::Failed:
        case PaymentState::Cancelled:
        case PaymentState::Refunded:
        case PaymentState::Expired:
            return std::unexpected(IntentRefusal::NotCancellable);
    }
    require(false, "a payment has one of the seven states");
    return IntentChange::None;
}

std::expected<IntentChange, IntentRefusal> PaymentIntent::refund_part(std::optional<Money> part,
                                                                      Instant now) {
    const std::int64_t left = amount.minor - refunded;
    if (part && part->currency != amount.currency)
        return std::unexpected(IntentRefusal::CurrencyDiffers);
    if (part && part->minor <= 0) return std::unexpected(IntentRefusal::AmountNotPositive);
    // Compare with what is left: the sum may overflow for a hostile amount.
    if (part && part->minor > left) return std::unexpected(IntentRefusal::AmountTooLarge);
    refunded += part ? part->minor : left;
    if (refunded == amount.minor) state = PaymentState::Refunded;
    updated_at = now;
    require(refunded <= amount.minor, "a payment never refunds more than it took");
    return IntentChange::Refunded;
}

IntentChange PaymentIntent::begin_processing(Instant now) {
    state = PaymentState::Processing;
    updated_at = now;
    processing_at = now;
    due_at = std::max(expires_at, now);
    return IntentChange::Processing;
}

IntentChange PaymentIntent::decide(PaymentState outcome, Instant now) {
    require(!processed_at, "a payment has one outcome");
    state = outcome;
    updated_at = now;
    processed_at = now;
    due_at.reset();
    switch (outcome) {
        case PaymentState::Completed:
            return IntentChange::Completed;
        case PaymentState::Failed:
            return IntentChange::Failed;
        case PaymentState::Cancelled:
            return IntentChange::Cancelled;
        case PaymentState::Expired:
            return IntentChange::Expired;
        case PaymentState::Pending:
        case PaymentState::Processing:
        case PaymentState::Refunded:
            break;
    }
    require(false, "only outcomes are decided");
    return IntentChange::None;
}

void plan(PaymentIntent& intent, const ScenarioTiming& timing, ScenarioDice& dice,
          std::optional<Milliseconds> delay) {
    Milliseconds waits = delay.value_or(timing.delay);
    switch (intent.scenario) {
        case Scenario::Approve:
            intent.planned = PaymentState::Completed;
            break;
        case Scenario::Fail:
            intent.planned = PaymentState::Failed;
            break;
        case Scenario::Delay:
            intent.planned = PaymentState::Completed;
            waits = delay.value_or(timing.delay_scenario);
            break;
        case Scenario::Random:
            intent.planned = dice.roll();
            break;
        case Scenario::Timeout:
            intent.planned = PaymentState::Processing;
            break;
    }
    intent.updated_at = intent.created_at;
    intent.due_at = intent.created_at + waits;
    intent.expires_at = *intent.due_at + timing.time_to_live;
}

std::string wire_id(const Uuid& id) {
    std::string text;
    text.reserve(40);
    text += "pay-";
    id.append_to(text);
    return text;
}

std::optional<Uuid> parse_wire_id(std::string_view text) {
    if (!text.starts_with("pay-")) return std::nullopt;
    return parse_uuid(text.substr(4));
}

}  // namespace florin::gateway
