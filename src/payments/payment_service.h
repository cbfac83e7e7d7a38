#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/posting_metrics.h"
#include "payments/answer_cache.h"
#include "payments/gateways.h"
#include "payments/idempotency.h"
#include "payments/payment.h"
#include "payments/payment_store.h"
#include "platform/base/uuid.h"
#include "platform/runtime/awaitable.h"
#include "platform/store/buckets.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
class Store;
}

namespace florin::payments {

/// What the use cases share, in one process. Outlives the services.
struct ServiceSettings {
    Milliseconds answers_kept{600'000};  // how long a key answers the same; 0 or less: for ever
    Milliseconds twin_patience{5'000};   // how long a request waits for its twin's answer
    Milliseconds worker_looks_after{
        10'000};  // when a worker takes over what a request left under way
    std::int64_t fee_basis_points = 0;
};

/// A request that passed validation. `fingerprint` is of all it asks, without its key.
struct AuthorizePayment {
    std::string merchant;
    std::int64_t amount = 0;
    Currency currency = Currency::krw();
    std::string key;
    IdempotencyKey claim;
    std::string trace_id;
};
struct ChangePayment {
    Operation operation = Operation::Capture;  // Capture, Refund or Void
    std::string merchant;
    Uuid payment;
    std::optional<std::int64_t> amount;  // absent: all there is
    std::string reason;
    IdempotencyKey claim;
    std::string trace_id;
};

/// Why a request was refused; nothing was stored, and its key stays free.
struct Refused {
    enum class Kind : std::uint8_t {
        KeyUsedForOther,
        AnswerForgotten,  // the key was used, longer ago than answers are kept
        TwinUnderWay,     // the key is in use, and its answer did not come in time
        NotFound,         // also: another merchant's
        WrongState,
        AmountNotPositive,
        AmountTooLarge,
        GatewayFault,  // the three: what became of the authorization is found out later
        GatewayTimedOut,
        GatewayNotCalled
    };
    Kind kind = Kind::NotFound;
    std::optional<Uuid> payment;
    State state = State::Ready;  // for WrongState
    std::int64_t left = 0;       // for AmountTooLarge: what may still be asked for
    std::string detail;
};

struct Answered {
    StoredAnswer answer;
    bool replayed = false;
};
using Answer = std::expected<Answered, Refused>;

struct PaymentStory {
    Payment payment;
    std::vector<Step> steps;
    std::vector<ledger::Entry> entries;
};

/// The use cases of merchant payments, for one loop: ids come from a generator that belongs to the
/// loop. What they answer is durable.
class PaymentService {
public:
    /// `changed` is called after each commit that left events or due work. Thread-safe callee.
    PaymentService(store::Store& store, const Clock& clock, UuidGenerator ids,
                   const Gateways& gateways, store::Buckets& buckets, UsedKeys& keys,
                   const ServiceSettings& settings, std::function<void()> changed,
                   telemetry::Metrics& metrics);

    /// From now on answers of authorizations are kept in `cache` too, which outlives this object.
    void answer_from(AnswerCache& cache) { cache_ = &cache; }

    awaitable<Answer> authorize(AuthorizePayment request);
    awaitable<Answer> change(ChangePayment request);
    /// The answer the key got, if it did: for a request that is not let in otherwise.
    awaitable<std::optional<Answered>> replay(IdempotencyKey key);
    /// The answer that the authorization got, if a cache has it: costs the store nothing. Without a
    /// cache, do not ask.
    awaitable<std::optional<Answered>> recall(AnswerCache::Question question);
    [[nodiscard]] bool has_cache() const { return cache_ != nullptr; }

    /// Nothing for another merchant's.
    awaitable<std::optional<PaymentStory>> find(std::string merchant, Uuid id);
    awaitable<PaymentPage> list(PaymentFilter filter);

private:
    struct Begun {
        EarlierUse use;  // of the key, when it was not new
        std::optional<StoredAnswer> answer;
        std::optional<ledger::Movement> posted;
        Payment asked;  // without an answer: what the gateway is to be called for
    };

    Payment new_payment(const AuthorizePayment& request);
    awaitable<std::int64_t> next_bucket(Uuid id);
    awaitable<Answer> authorize_at_once(AuthorizePayment request, Payment payment,
                                        GatewayAnswer decided);
    awaitable<Answer> authorize_by_call(AuthorizePayment request, Payment payment);
    std::expected<Begun, Refused> begin_change(store::Transaction& tx, const ChangePayment& request,
                                               const Uuid& answer_id, Instant now);
    /// Calls the gateway for what `asked` has under way; nothing when its answer tells nothing.
    awaitable<std::expected<StoredAnswer, Unknown>> ask_gateway(Payment asked);
    awaitable<Answer> answer_under_way(ChangePayment request, Payment asked);
    awaitable<Answer> earlier(EarlierUse use);
    awaitable<std::optional<StoredAnswer>> wait_for_answer(Uuid answer_id);
    [[nodiscard]] Instant answers_kept_since() const;
    void count(const std::optional<ledger::Movement>& posted);
    Answer done(Operation operation, StoredAnswer answer);
    void cache(const AuthorizePayment& request, const Uuid& answer_id, const StoredAnswer& answer);

    store::Store& store_;
    const Clock& clock_;
    UuidGenerator ids_;
    const Gateways& gateways_;
    store::Buckets& buckets_;
    UsedKeys& keys_;
    const ServiceSettings& settings_;
    std::function<void()> changed_;
    AnswerCache* cache_ = nullptr;
    ledger::PostingMetrics postings_;
    telemetry::Counter replays_;
    std::vector<telemetry::Counter> approved_;  // by operation
    std::vector<telemetry::Counter> declined_;
    std::vector<telemetry::Counter> pending_;
};

}  // namespace florin::payments
