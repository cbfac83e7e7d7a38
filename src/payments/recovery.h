#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/posting_metrics.h"
#include "payments/gateways.h"
#include "payments/payment.h"
#include "platform/base/random.h"
#include "platform/base/uuid.h"
#include "platform/broker/consumer.h"
#include "platform/limits/backoff.h"
#include "platform/runtime/wakeup.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::payments {

/// The group under which payments stand among the dead letters that no gateway ever answered for.
constexpr std::string_view recovery_group = "gateway-recovery";

/// Re-drives such a dead letter: the payment is due again at once, with all its attempts.
class RecoveryRedrive final : public broker::Consumer {
public:
    explicit RecoveryRedrive(const Clock& clock) : clock_(clock) {}

    [[nodiscard]] std::string_view group() const override { return recovery_group; }
    /// None: its messages come from the recovery, not from the log.
    [[nodiscard]] std::vector<std::string> topics() const override { return {}; }
    broker::Handled handle(store::Transaction& tx, const broker::Message& message) override;

private:
    const Clock& clock_;
};

struct RecoveryOptions {
    int calls_max = 16;  // under way at once
    int attempts_max = 10;
    limits::BackoffPolicy backoff = {};
    Milliseconds lease{60'000};  // how long a claimed payment is left to the worker that claimed it
    std::int64_t fee_basis_points = 0;
};

/// Finishes what a gateway did not answer within its request: asks the gateway what became of the
/// call, makes it if the gateway has never seen it, and never guesses. After the last attempt the
/// payment stays as it is and a dead letter tells people. Several processes may run one over the
/// same store: a claim keeps the others off. One object a process, on its own loop.
class Recovery {
public:
    /// `changed` is called after each commit that left events. The references outlive this object.
    Recovery(runtime::Loop& loop, store::Store& store, const Clock& clock, UuidGenerator ids,
             const Gateways& gateways, RecoveryOptions options, std::function<void()> changed,
             telemetry::Metrics& metrics);

    /// Recovers until `stop`. Spawn it once, on the loop.
    awaitable<void> run();
    /// Takes on nothing new and resumes when the calls under way have ended, at the latest after
    /// `deadline`: what is left is claimed again when its lease is over. On the loop.
    awaitable<void> stop(Milliseconds deadline);

    /// One pass: claims what is due and begins to recover it. For `run`, and for tests that hold
    /// the clock, which then wait for `under_way` to be 0.
    awaitable<void> recover_due();
    [[nodiscard]] int under_way() const { return under_way_; }

private:
    awaitable<std::vector<Payment>> claim();
    awaitable<void> recover(Payment payment);
    awaitable<GatewayAnswer> ask(const Payment& payment);
    awaitable<void> try_later(Payment payment, const Unknown& why);
    awaitable<void> give_up(Payment payment, const Unknown& why);

    runtime::Loop& loop_;
    store::Store& store_;
    const Clock& clock_;
    UuidGenerator ids_;
    const Gateways& gateways_;
    const RecoveryOptions options_;
    std::function<void()> changed_;
    Random jitter_;
    runtime::Wakeup wakeup_;
    std::atomic<bool> stopping_{false};
    int under_way_ = 0;
    ledger::PostingMetrics postings_;
    telemetry::Counter recovered_;
    telemetry::Counter postponed_;
    telemetry::Counter given_up_;
};

}  // namespace florin::payments
