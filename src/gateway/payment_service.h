#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/idempotency.h"
#include "gateway/intent_store.h"
#include "gateway/outcome.h"
#include "gateway/payment_intent.h"
#include "platform/runtime/awaitable.h"
#include "platform/store/buckets.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::gateway {

/// Why a request about a payment was refused; each face has its own words and codes for it.
enum class ServiceRefusal : std::uint8_t {
    NotFound,  // also: it belongs to another user
    IdempotencyConflict,
    NotCancellable,
    NotProcessable,
    CurrencyDiffers,
    AmountNotPositive,
    AmountTooLarge,
    RefundBeforeOutcome,
    NoWebhookUrl,
    NothingToTell,  // SimulateWebhook without a status, and the payment has told none
};

template <class T>
using Answer = std::expected<T, ServiceRefusal>;

struct CancelResult {
    PaymentIntent intent;
    std::optional<Refund> refund;  // absent: cancelled before it was decided
    Instant at;
};

struct SimulatedWebhook {
    Uuid id;
    bool sent_now = false;
    Instant scheduled_at;
};

/// What the use cases share, in one process. Members outlive the services.
struct ServiceSettings {
    ScenarioTiming timing;
    Scenario default_scenario = Scenario::Approve;
    Milliseconds idempotency_time_to_live{86'400'000};
};

/// The use cases of the gateway, for one loop: each loop has its own object, since ids come from a
/// generator that belongs to the loop. Answers are durable when they resume.
class PaymentService {
public:
    using Expect = std::function<void(Instant due)>;
    using Offer = std::function<void(std::vector<WebhookDelivery>)>;

    PaymentService(store::Store& store, const Clock& clock, UuidGenerator ids, ScenarioDice& dice,
                   store::Buckets& buckets, const ServiceSettings& settings, Expect expect,
                   Offer offer, telemetry::Metrics& metrics);

    /// Fills in id, times and plan of a request that passed validation, then stores it. `answer` is
    /// what the face will say of it; with an idempotency key, a repeated request gets the stored
    /// answer.
    PaymentIntent prepare(PaymentIntent request, std::optional<Milliseconds> delay);
    awaitable<Answer<std::string>> create(PaymentIntent prepared, IdempotencyKey key,
                                          std::string answer);

    awaitable<Answer<PaymentIntent>> find(Uuid id, std::string user_id);
    awaitable<IntentPage> list(IntentFilter filter);

    /// `encode` makes the answer of the result, to be kept under the key.
    using EncodeProcessed = std::function<std::string(const PaymentIntent&)>;
    awaitable<Answer<std::string>> process(Uuid id, IdempotencyKey key, EncodeProcessed encode);
    using EncodeCancelled = std::function<std::string(const CancelResult&)>;
    awaitable<Answer<std::string>> cancel(Uuid id, std::optional<Money> refund, std::string reason,
                                          IdempotencyKey key, EncodeCancelled encode);

    /// Without `status` (Completed or Failed), what the payment's receiver was told is told again.
    awaitable<Answer<SimulatedWebhook>> simulate_webhook(Uuid id,
                                                         std::optional<PaymentState> status,
                                                         Microseconds delay);

    [[nodiscard]] Scenario default_scenario() const { return settings_.default_scenario; }

private:
    awaitable<std::int64_t> first_bucket(Uuid id);

    store::Store& store_;
    const Clock& clock_;
    UuidGenerator ids_;
    ScenarioDice& dice_;
    store::Buckets& buckets_;
    const ServiceSettings& settings_;
    Expect expect_;
    Offer offer_;
    std::vector<telemetry::Counter> scenarios_;
    telemetry::Counter idempotency_hits_;
};

}  // namespace florin::gateway
