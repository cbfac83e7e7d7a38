#include "payments/payment_service.h"

#include <utility>
#include <variant>

#include "ledger/ledger.h"
#include "payments/effects.h"
#include "payments/payment_json.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"

namespace florin::payments {
namespace {

/// How often a request looks for its twin's answer: another process may be writing it, so it asks
/// the store.
constexpr Milliseconds twin_poll{20};

constexpr Operation operations[] = {Operation::Authorize, Operation::Capture, Operation::Refund,
                                    Operation::Void};

std::size_t index_of(Operation operation) {
    return static_cast<std::size_t>(operation) - 1;
}

Refused::Kind kind_of(Unknown::Kind kind) {
    switch (kind) {
        case Unknown::Kind::Fault:
            return Refused::Kind::GatewayFault;
        case Unknown::Kind::TimedOut:
            return Refused::Kind::GatewayTimedOut;
        case Unknown::Kind::NotCalled:
            return Refused::Kind::GatewayNotCalled;
    }
    return Refused::Kind::GatewayFault;
}

Refused refused(RuleRefusal refusal, const Payment& payment, Operation operation) {
    Refused why;
    why.payment = payment.id;
    why.state = payment.state;
    why.left = operation == Operation::Refund ? payment.refundable() : payment.amount;
    switch (refusal) {
        case RuleRefusal::WrongState:
            why.kind = Refused::Kind::WrongState;
            break;
        case RuleRefusal::AmountNotPositive:
            why.kind = Refused::Kind::AmountNotPositive;
            break;
        case RuleRefusal::AmountTooLarge:
            why.kind = Refused::Kind::AmountTooLarge;
            break;
    }
    return why;
}

std::expected<void, RuleRefusal> ask(Payment& payment, const ChangePayment& request, Instant now) {
    switch (request.operation) {
        case Operation::Capture:
            return payment.request_capture(request.amount.value_or(payment.amount), now);
        case Operation::Refund:
            // All that is left; nothing left is a wrong state, which the rule finds first.
            return payment.request_refund(request.amount.value_or(payment.refundable()),
                                          request.reason, now);
        case Operation::Void:
            return payment.request_void(request.reason, now);
        case Operation::Authorize:
            break;
    }
    return std::unexpected(RuleRefusal::WrongState);
}

std::vector<ledger::Entry> entries_of(const Effects& effects) {
    return effects.posting ? effects.posting->entries : std::vector<ledger::Entry>{};
}

}  // namespace

PaymentService::PaymentService(store::Store& store, const Clock& clock, UuidGenerator ids,
                               const Gateways& gateways, store::Buckets& buckets, UsedKeys& keys,
                               const ServiceSettings& settings, std::function<void()> changed,
                               telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      ids_(ids),
      gateways_(gateways),
      buckets_(buckets),
      keys_(keys),
      settings_(settings),
      changed_(std::move(changed)),
      postings_(metrics),
      replays_(metrics.counter("florin_idempotent_replays_total",
                               "Requests answered with the stored answer of their key")) {
    const auto count = [&metrics](Operation operation, const char* result) {
        return metrics.counter(
            "florin_payment_operations_total",
            "Operations on merchant payments, by what became of them",
            {{"operation", std::string(name_of(operation))}, {"result", result}});
    };
    for (const Operation operation : operations) {
        approved_.push_back(count(operation, "approved"));
        declined_.push_back(count(operation, "declined"));
        pending_.push_back(count(operation, "under_way"));
    }
}

Payment PaymentService::new_payment(const AuthorizePayment& request) {
    Payment payment;
    payment.id = ids_.next();
    payment.merchant = request.merchant;
    payment.idempotency_key = request.key;
    payment.amount = request.amount;
    payment.currency = request.currency;
    payment.fee_basis_points = settings_.fee_basis_points;
    payment.gateway = gateways_.of_merchant(request.merchant).name();
    payment.answer_id = ids_.next();
    payment.requested_at = payment.updated_at = clock_.now();
    payment.trace_id = request.trace_id;
    return payment;
}

awaitable<std::int64_t> PaymentService::next_bucket(Uuid id) {
    if (!buckets_.opened()) {
        buckets_.open_after(
            co_await store_.read([](store::Snapshot& snapshot) { return last_bucket(snapshot); }));
    }
    co_return buckets_.next(id);
}

Instant PaymentService::answers_kept_since() const {
    if (settings_.answers_kept <= Milliseconds(0)) return Instant{};
    return clock_.now() - settings_.answers_kept;
}

awaitable<Answer> PaymentService::authorize(AuthorizePayment request) {
    Payment payment = new_payment(request);
    auto decided = gateways_.of_merchant(request.merchant).decide(call_for(payment));
    if (decided && !std::holds_alternative<Unknown>(*decided)) {
        co_return co_await authorize_at_once(std::move(request), std::move(payment),
                                             std::move(*decided));
    }
    co_return co_await authorize_by_call(std::move(request), std::move(payment));
}

// Everything the writer stores is computed here: its time is what limits the machine.
awaitable<Answer> PaymentService::authorize_at_once(AuthorizePayment request, Payment payment,
                                                    GatewayAnswer decided) {
    settle(payment, decided, payment.requested_at);
    const Effects effects =
        effects_of(State::Ready, payment, payment.amount, settings_.fee_basis_points);
    StoredAnswer answer = answer_of(Operation::Authorize, payment, entries_of(effects));
    const std::int64_t bucket =
        buckets_.opened() ? buckets_.next(payment.id) : co_await next_bucket(payment.id);
    const Instant kept_since = answers_kept_since();
    auto use = co_await store_.write(
        [&](store::Transaction& tx) {
            EarlierUse before =
                claim_key(tx, keys_, request.claim, payment.answer_id, payment.id, kept_since);
            if (before.kind != EarlierUse::Kind::None) return before;
            insert_payment(tx, payment, bucket);
            apply(tx, effects);
            keep_answer(tx, payment.answer_id, answer);
            return before;
        },
        store::Route::of(payment.merchant));
    if (use.kind == EarlierUse::Kind::Answered) cache(request, use.answer_id, use.answer);
    if (use.kind != EarlierUse::Kind::None) co_return co_await earlier(std::move(use));
    count(effects.movement());
    changed_();
    cache(request, payment.answer_id, answer);
    co_return done(Operation::Authorize, std::move(answer));
}

// The attempt is on disk before the call goes out: a crash in between is settled by asking the
// gateway.
awaitable<Answer> PaymentService::authorize_by_call(AuthorizePayment request, Payment payment) {
    payment.due_at = payment.requested_at + settings_.worker_looks_after;
    const std::int64_t bucket = co_await next_bucket(payment.id);
    const Instant kept_since = answers_kept_since();
    auto use = co_await store_.write(
        [&](store::Transaction& tx) {
            EarlierUse before =
                claim_key(tx, keys_, request.claim, payment.answer_id, payment.id, kept_since);
            if (before.kind == EarlierUse::Kind::None) insert_payment(tx, payment, bucket);
            return before;
        },
        store::Route::of(payment.merchant));
    if (use.kind == EarlierUse::Kind::Answered) cache(request, use.answer_id, use.answer);
    if (use.kind != EarlierUse::Kind::None) co_return co_await earlier(std::move(use));
    changed_();
    auto answer = co_await ask_gateway(payment);
    if (!answer) {
        Refused why;
        why.kind = kind_of(answer.error().kind);
        why.payment = payment.id;
        why.detail = std::move(answer.error().reason);
        co_return std::unexpected(std::move(why));
    }
    cache(request, payment.answer_id, *answer);
    co_return done(Operation::Authorize, std::move(*answer));
}

awaitable<std::expected<StoredAnswer, Unknown>> PaymentService::ask_gateway(Payment asked) {
    PaymentGateway* const gateway = gateways_.named(asked.gateway);
    if (gateway == nullptr) {
        co_return std::unexpected(Unknown{Unknown::Kind::NotCalled,
                                          "no gateway is called '" + asked.gateway + "' any more"});
    }
    GatewayAnswer answer = co_await gateway->call(call_for(asked));
    if (auto* unknown = std::get_if<Unknown>(&answer)) co_return std::unexpected(*unknown);
    const Instant now = clock_.now();
    auto told = co_await store_.write(
        [&](store::Transaction& tx) {
            auto completed = complete(tx, asked, answer, now, settings_.fee_basis_points);
            if (completed) return completed;
            // A worker was faster: its answer is the answer.
            auto stored = find_answer(tx, asked.answer_id);
            return stored ? std::optional(Completed{std::move(*stored), {}}) : std::nullopt;
        },
        store::Route::of(asked.merchant));
    changed_();
    if (told) {
        count(told->posted);
        co_return std::move(told->answer);
    }
    co_return std::unexpected(
        Unknown{Unknown::Kind::Fault, "the payment changed while the gateway was asked"});
}

std::expected<PaymentService::Begun, Refused> PaymentService::begin_change(
    store::Transaction& tx, const ChangePayment& request, const Uuid& answer_id, Instant now) {
    Begun begun;
    begun.use =
        claim_key(tx, keys_, request.claim, answer_id, request.payment, answers_kept_since());
    if (begun.use.kind != EarlierUse::Kind::None) return begun;
    auto payment = find_payment(tx, request.payment);
    if (!payment || payment->merchant != request.merchant) return std::unexpected(Refused{});
    const State before = payment->state;
    const std::int64_t version = payment->version;
    if (const auto asked = ask(*payment, request, now); !asked)
        return std::unexpected(refused(asked.error(), *payment, request.operation));
    payment->answer_id = answer_id;
    if (!request.trace_id.empty()) payment->trace_id = request.trace_id;
    const std::int64_t amount = payment->requested > 0 ? payment->requested : payment->amount;
    const PaymentGateway* const gateway = gateways_.named(payment->gateway);
    const auto decided = gateway == nullptr ? std::nullopt : gateway->decide(call_for(*payment));
    const bool at_once = decided && !std::holds_alternative<Unknown>(*decided);
    if (at_once) {
        settle(*payment, *decided, now);
    } else {
        payment->due_at = now + settings_.worker_looks_after;
    }
    update_payment(tx, *payment, version);
    const Effects effects = effects_of(before, *payment, amount, settings_.fee_basis_points);
    apply(tx, effects);
    begun.posted = effects.movement();
    if (at_once) {
        begun.answer = answer_of(request.operation, *payment, entries_of(effects));
        if (!request.claim.digest.empty()) keep_answer(tx, answer_id, *begun.answer);
    }
    begun.asked = std::move(*payment);
    return begun;
}

awaitable<Answer> PaymentService::change(ChangePayment request) {
    const Uuid answer_id = ids_.next();
    const Instant now = clock_.now();
    auto begun = co_await store_.write(
        [&](store::Transaction& tx) { return begin_change(tx, request, answer_id, now); },
        store::Route::of(request.merchant));
    if (!begun) co_return std::unexpected(std::move(begun.error()));
    if (begun->use.kind != EarlierUse::Kind::None)
        co_return co_await earlier(std::move(begun->use));
    count(begun->posted);
    changed_();
    if (begun->answer) co_return done(request.operation, std::move(*begun->answer));
    co_return co_await answer_under_way(std::move(request), std::move(begun->asked));
}

awaitable<Answer> PaymentService::answer_under_way(ChangePayment request, Payment asked) {
    if (auto answer = co_await ask_gateway(asked))
        co_return done(request.operation, std::move(*answer));
    // The client is told that it is under way, now and whenever it asks again with this key.
    StoredAnswer accepted = answer_of(request.operation, asked, {});
    auto told = co_await store_.write(
        [&](store::Transaction& tx) {
            if (auto answer = find_answer(tx, asked.answer_id)) return *answer;
            keep_answer(tx, asked.answer_id, accepted);
            return accepted;
        },
        store::Route::of(asked.merchant));
    co_return done(request.operation, std::move(told));
}

void PaymentService::count(const std::optional<ledger::Movement>& posted) {
    if (posted) postings_.committed(*posted);
}

Answer PaymentService::done(Operation operation, StoredAnswer answer) {
    auto& counters = answer.status == 200 ? approved_ : answer.status == 202 ? pending_ : declined_;
    counters[index_of(operation)].add();
    return Answered{std::move(answer), false};
}

awaitable<Answer> PaymentService::earlier(EarlierUse use) {
    Refused why;
    why.payment = use.payment;
    switch (use.kind) {
        case EarlierUse::Kind::None:
            break;
        case EarlierUse::Kind::Answered:
            replays_.add();
            co_return Answered{std::move(use.answer), true};
        case EarlierUse::Kind::OtherRequest:
            why.kind = Refused::Kind::KeyUsedForOther;
            break;
        case EarlierUse::Kind::AnswerForgotten:
            why.kind = Refused::Kind::AnswerForgotten;
            break;
        case EarlierUse::Kind::NoAnswerYet:
            if (auto answer = co_await wait_for_answer(use.answer_id)) {
                replays_.add();
                co_return Answered{std::move(*answer), true};
            }
            why.kind = Refused::Kind::TwinUnderWay;
            break;
    }
    co_return std::unexpected(std::move(why));
}

awaitable<std::optional<StoredAnswer>> PaymentService::wait_for_answer(Uuid answer_id) {
    const auto until = std::chrono::steady_clock::now() + settings_.twin_patience;
    while (std::chrono::steady_clock::now() < until) {
        auto answer = co_await store_.read(
            [&](store::Snapshot& snapshot) { return find_answer(snapshot, answer_id); });
        if (answer) co_return answer;
        co_await runtime::sleep_for(twin_poll);
    }
    co_return std::nullopt;
}

awaitable<std::optional<Answered>> PaymentService::replay(IdempotencyKey key) {
    if (key.digest.empty()) co_return std::nullopt;
    const Instant kept_since = answers_kept_since();
    auto use = co_await store_.read(
        [&](store::Snapshot& snapshot) { return find_key(snapshot, keys_, key, kept_since); });
    if (use.kind != EarlierUse::Kind::Answered) co_return std::nullopt;
    replays_.add();
    co_return Answered{std::move(use.answer), true};
}

void PaymentService::cache(const AuthorizePayment& request, const Uuid& answer_id,
                           const StoredAnswer& answer) {
    if (cache_ == nullptr) return;
    cache_->keep({request.merchant, request.key, request.claim}, answer_id, answer);
}

awaitable<std::optional<Answered>> PaymentService::recall(AnswerCache::Question question) {
    if (cache_ == nullptr) co_return std::nullopt;
    auto answer = co_await cache_->find(std::move(question));
    if (!answer) co_return std::nullopt;
    replays_.add();
    co_return Answered{std::move(*answer), true};
}

awaitable<std::optional<PaymentStory>> PaymentService::find(std::string merchant, Uuid id) {
    co_return co_await store_.read([&](store::Snapshot& snapshot) -> std::optional<PaymentStory> {
        auto payment = find_payment(snapshot, id);
        if (!payment || payment->merchant != merchant) return std::nullopt;
        PaymentStory story{std::move(*payment), steps_of(snapshot, id), {}};
        for (const auto& booked : ledger::postings_of(snapshot, id)) {
            story.entries.insert(story.entries.end(), booked.posting.entries.begin(),
                                 booked.posting.entries.end());
        }
        return story;
    });
}

awaitable<PaymentPage> PaymentService::list(PaymentFilter filter) {
    co_return co_await store_.read(
        [&](store::Snapshot& snapshot) { return list_payments(snapshot, filter); });
}

}  // namespace florin::payments
