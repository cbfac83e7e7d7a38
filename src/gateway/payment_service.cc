#include "gateway/payment_service.h"

#include "gateway/webhooks/delivery_store.h"
#include "platform/http/url.h"
#include "platform/store/store.h"

namespace florin::gateway {
namespace {

ServiceRefusal refusal_of(IntentRefusal refusal) {
    switch (refusal) {
        case IntentRefusal::NotCancellable:
            return ServiceRefusal::NotCancellable;
        case IntentRefusal::NotProcessable:
            return ServiceRefusal::NotProcessable;
        case IntentRefusal::CurrencyDiffers:
            return ServiceRefusal::CurrencyDiffers;
        case IntentRefusal::AmountNotPositive:
            return ServiceRefusal::AmountNotPositive;
        case IntentRefusal::AmountTooLarge:
            return ServiceRefusal::AmountTooLarge;
        case IntentRefusal::RefundBeforeOutcome:
            return ServiceRefusal::RefundBeforeOutcome;
    }
    return ServiceRefusal::NotFound;
}

/// The outcome a payment's receiver was told; nothing when it was told none.
std::optional<PaymentState> told_outcome(PaymentState state) {
    switch (state) {
        case PaymentState::Completed:
        case PaymentState::Refunded:
            return PaymentState::Completed;
        case PaymentState::Failed:
            return PaymentState::Failed;
        case PaymentState::Pending:
        case PaymentState::Processing:
        case PaymentState::Cancelled:
        case PaymentState::Expired:
            return std::nullopt;
    }
    return std::nullopt;
}

/// What a command leaves behind for after its commit.
struct Effect {
    std::string answer;
    bool replayed = false;
    std::optional<WebhookDelivery> delivery;
    std::optional<Instant> due;
    std::optional<PaymentIntent> decided;
};

/// The answer an earlier request with this key got; nothing when this is the first.
std::optional<Answer<Effect>> replay(store::Transaction& tx, const IdempotencyKey& key, Instant now,
                                     Milliseconds time_to_live) {
    auto earlier = earlier_answer(tx, key, now, time_to_live);
    if (!earlier) return std::unexpected(ServiceRefusal::IdempotencyConflict);
    if (!*earlier) return std::nullopt;
    return Effect{std::move(**earlier), true, std::nullopt, std::nullopt, std::nullopt};
}

}  // namespace

PaymentService::PaymentService(store::Store& store, const Clock& clock, UuidGenerator ids,
                               ScenarioDice& dice, store::Buckets& buckets,
                               const ServiceSettings& settings, Expect expect, Offer offer,
                               telemetry::Metrics& metrics)
    : store_(store),
      clock_(clock),
      ids_(ids),
      dice_(dice),
      buckets_(buckets),
      settings_(settings),
      expect_(std::move(expect)),
      offer_(std::move(offer)),
      idempotency_hits_(metrics.counter("idempotency_hits_total",
                                        "Requests answered from their idempotency key.")) {
    for (int number = 1; number <= 5; ++number) {
        scenarios_.push_back(
            metrics.counter("scenario_counter_total", "Payments created, by scenario.",
                            {{"scenario", std::string(name_of(*scenario_from(number)))}}));
    }
}

PaymentIntent PaymentService::prepare(PaymentIntent intent, std::optional<Milliseconds> delay) {
    intent.id = ids_.next();
    intent.created_at = clock_.now();
    plan(intent, settings_.timing, dice_, delay);
    return intent;
}

awaitable<std::int64_t> PaymentService::first_bucket(Uuid id) {
    buckets_.open_after(
        co_await store_.read([](store::Snapshot& snapshot) { return last_bucket(snapshot); }));
    co_return buckets_.next(id);
}

awaitable<Answer<std::string>> PaymentService::create(PaymentIntent intent, IdempotencyKey key,
                                                      std::string answer) {
    const Milliseconds time_to_live = settings_.idempotency_time_to_live;
    const std::int64_t bucket =
        buckets_.opened() ? buckets_.next(intent.id) : co_await first_bucket(intent.id);
    auto effect = co_await store_.write(
        [&intent, &key, &answer, time_to_live, bucket](store::Transaction& tx) -> Answer<Effect> {
            if (!key.key.empty()) {
                if (auto earlier = replay(tx, key, intent.created_at, time_to_live))
                    return std::move(*earlier);
                remember_answer(tx, key, answer, intent.created_at);
            }
            insert_intent(tx, intent, bucket);
            return Effect{};
        },
        store::Route::of(intent.id.view()));
    if (!effect) co_return std::unexpected(effect.error());
    if (effect->replayed) {
        idempotency_hits_.add();
        co_return std::move(effect->answer);
    }
    scenarios_[static_cast<std::size_t>(intent.scenario) - 1].add();
    expect_(*intent.due_at);
    co_return answer;
}

awaitable<Answer<PaymentIntent>> PaymentService::find(Uuid id, std::string user_id) {
    auto intent = co_await store_.read(
        [&id](store::Snapshot& snapshot) { return find_intent(snapshot, id); });
    if (!intent || (!user_id.empty() && user_id != intent->user_id))
        co_return std::unexpected(ServiceRefusal::NotFound);
    co_return std::move(*intent);
}

awaitable<IntentPage> PaymentService::list(IntentFilter filter) {
    co_return co_await store_.read(
        [&filter](store::Snapshot& snapshot) { return list_intents(snapshot, filter); });
}

awaitable<Answer<std::string>> PaymentService::process(Uuid id, IdempotencyKey key,
                                                       EncodeProcessed encode) {
    const Instant now = clock_.now();
    const NoticeIds ids{ids_.next(), ids_.next()};
    auto effect = co_await store_.write(
        [&, now](store::Transaction& tx) -> Answer<Effect> {
            if (auto earlier = replay(tx, key, now, settings_.idempotency_time_to_live))
                return std::move(*earlier);
            auto intent = find_intent(tx, id);
            if (!intent) return std::unexpected(ServiceRefusal::NotFound);
            const auto change = intent->process(now);
            if (!change) return std::unexpected(refusal_of(change.error()));
            Notices notices = notices_of(*intent, *change, ids, now);
            if (*change != IntentChange::None) update_intent(tx, *intent);
            store_notices(tx, notices);
            Effect done{encode(*intent), false, std::move(notices.delivery), intent->due_at,
                        std::nullopt};
            remember_answer(tx, key, done.answer, now);
            if (*change != IntentChange::None) done.decided = std::move(*intent);
            return done;
        },
        store::Route::of(id.view()));
    if (!effect) co_return std::unexpected(effect.error());
    if (effect->replayed) idempotency_hits_.add();
    if (effect->delivery) offer_({std::move(*effect->delivery)});
    if (effect->decided) log_outcome(*effect->decided, now);
    if (effect->due) expect_(*effect->due);
    co_return std::move(effect->answer);
}

awaitable<Answer<std::string>> PaymentService::cancel(Uuid id, std::optional<Money> refund,
                                                      std::string reason, IdempotencyKey key,
                                                      EncodeCancelled encode) {
    const Instant now = clock_.now();
    const Uuid refund_id = ids_.next();
    const NoticeIds ids{ids_.next(), ids_.next()};
    auto effect = co_await store_.write(
        [&, now](store::Transaction& tx) -> Answer<Effect> {
            if (auto earlier = replay(tx, key, now, settings_.idempotency_time_to_live))
                return std::move(*earlier);
            auto intent = find_intent(tx, id);
            if (!intent) return std::unexpected(ServiceRefusal::NotFound);
            const std::int64_t refunded_before = intent->refunded;
            const auto change = intent->cancel(refund, now);
            if (!change) return std::unexpected(refusal_of(change.error()));
            CancelResult result{std::move(*intent), std::nullopt, now};
            update_intent(tx, result.intent);
            if (*change == IntentChange::Refunded) {
                result.refund =
                    Refund{refund_id, id, result.intent.refunded - refunded_before, reason, now};
                insert_refund(tx, *result.refund);
            }
            store_notices(tx, notices_of(result.intent, *change, ids, now));
            Effect done{encode(result), false, std::nullopt, std::nullopt, std::nullopt};
            remember_answer(tx, key, done.answer, now);
            return done;
        },
        store::Route::of(id.view()));
    if (!effect) co_return std::unexpected(effect.error());
    if (effect->replayed) idempotency_hits_.add();
    co_return std::move(effect->answer);
}

awaitable<Answer<SimulatedWebhook>> PaymentService::simulate_webhook(
    Uuid id, std::optional<PaymentState> status, Microseconds delay) {
    const Instant now = clock_.now();
    WebhookDelivery delivery;
    delivery.id = ids_.next();
    auto stored =
        co_await store_.write([&, now](store::Transaction& tx) -> Answer<WebhookDelivery> {
            const auto intent = find_intent(tx, id);
            if (!intent) return std::unexpected(ServiceRefusal::NotFound);
            if (intent->webhook_url.empty()) return std::unexpected(ServiceRefusal::NoWebhookUrl);
            const auto told = status ? status : told_outcome(intent->state);
            if (!told) return std::unexpected(ServiceRefusal::NothingToTell);
            WebhookDelivery made =
                simulated_delivery(*intent, *told, delivery.id, now + delay, now);
            insert_delivery(tx, made);
            return made;
        });
    if (!stored) co_return std::unexpected(stored.error());
    const SimulatedWebhook answer{delivery.id, delay.count() == 0, now + delay};
    offer_({std::move(*stored)});
    co_return answer;
}

}  // namespace florin::gateway
