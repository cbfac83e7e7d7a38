#include "payments/recovery.h"

#include <utility>
#include <variant>

#include "payments/effects.h"
#include "payments/payment_json.h"
#include "payments/payment_store.h"
#include "platform/broker/dead_letters.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::payments {
namespace {

constexpr Microseconds look_interval = Milliseconds(1'000);
constexpr Microseconds retry_after_fault = Milliseconds(500);

}  // namespace

broker::Handled RecoveryRedrive::handle(store::Transaction& tx, const broker::Message& message) {
    const auto id = parse_uuid(message.key);
    auto payment = id ? find_payment(tx, *id) : std::nullopt;
    if (!payment)
        return broker::Handled::poison("UnknownPayment", "there is no payment " + message.key);
    if (!is_under_way(payment->state)) {
        return broker::Handled::refused("AlreadyDecided",
                                        "the payment is " + std::string(name_of(payment->state)));
    }
    if (!payment->due_at) ask_again(tx, payment->id, clock_.now());
    return broker::Handled::done();
}

Recovery::Recovery(runtime::Loop& loop, store::Store& store, const Clock& clock, UuidGenerator ids,
                   const Gateways& gateways, RecoveryOptions options, std::function<void()> changed,
                   telemetry::Metrics& metrics)
    : loop_(loop),
      store_(store),
      clock_(clock),
      ids_(ids),
      gateways_(gateways),
      options_(options),
      changed_(std::move(changed)),
      jitter_(seed_from_system()),
      wakeup_(loop),
      postings_(metrics) {
    const auto count = [&metrics](const char* result) {
        return metrics.counter("florin_recovery_attempts_total",
                               "Attempts to find out what a gateway left unanswered.",
                               {{"result", result}});
    };
    recovered_ = count("recovered");
    postponed_ = count("postponed");
    given_up_ = count("given_up");
}

// It looks every second even if nothing is known to be due: another process may have left it.
awaitable<void> Recovery::run() {
    while (!stopping_) {
        Microseconds wait = look_interval;
        try {
            co_await recover_due();
        } catch (const std::exception& fault) {
            telemetry::warning("Unanswered gateway calls cannot be recovered yet",
                               {{"fault", fault.what()}});
            wait = retry_after_fault;
        }
        if (!stopping_) co_await wakeup_.wait_until(clock_, clock_.now() + wait);
    }
}

awaitable<void> Recovery::stop(Milliseconds deadline) {
    stopping_ = true;
    wakeup_.notify();
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (under_way_ > 0 && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(5));
}

awaitable<void> Recovery::recover_due() {
    if (stopping_ || under_way_ >= options_.calls_max) co_return;
    for (auto& payment : co_await claim()) {
        ++under_way_;
        runtime::spawn(loop_, "recovery", recover(std::move(payment)));
    }
}

// The claim moves the due time: it is this worker's until then, and another's afterwards.
awaitable<std::vector<Payment>> Recovery::claim() {
    const Instant now = clock_.now();
    const int room = options_.calls_max - under_way_;
    const bool any = co_await store_.read(
        [now](store::Snapshot& snapshot) { return !due_payments(snapshot, now, 1).empty(); });
    if (!any) co_return std::vector<Payment>{};
    const Instant until = now + options_.lease;
    co_return co_await store_.write([now, room, until](store::Transaction& tx) {
        auto claimed = claim_due_payments(tx, now, room);
        for (auto& payment : claimed) {
            const Instant was_due = *payment.due_at;
            payment.due_at = until;
            ++payment.attempts;
            move_due(tx, payment, was_due);
        }
        return claimed;
    });
}

awaitable<void> Recovery::recover(Payment payment) {
    try {
        GatewayAnswer answer = co_await ask(payment);
        if (const auto* unknown = std::get_if<Unknown>(&answer)) {
            if (payment.attempts >= options_.attempts_max) {
                co_await give_up(std::move(payment), *unknown);
            } else {
                co_await try_later(std::move(payment), *unknown);
            }
        } else {
            const Instant now = clock_.now();
            const auto decided = co_await store_.write(
                [&](store::Transaction& tx) {
                    return complete(tx, payment, answer, now, options_.fee_basis_points);
                },
                store::Route::of(payment.merchant));
            if (decided) recovered_.add();
            if (decided && decided->posted) postings_.committed(*decided->posted);
            changed_();
        }
    } catch (const std::exception& fault) {
        telemetry::warning(
            "A gateway's answer cannot be stored yet; its payment is asked about again",
            {{"payment_id", payment.id.text()}, {"fault", fault.what()}});
    }
    --under_way_;
    wakeup_.notify();
}

awaitable<GatewayAnswer> Recovery::ask(const Payment& payment) {
    PaymentGateway* const gateway = gateways_.named(payment.gateway);
    if (gateway == nullptr) {
        co_return Unknown{Unknown::Kind::NotCalled,
                          "no gateway is called '" + payment.gateway + "' any more"};
    }
    const GatewayCall call = call_for(payment);
    FindAnswer found = co_await gateway->find(call);
    if (auto* approved = std::get_if<Approved>(&found)) co_return std::move(*approved);
    if (auto* declined = std::get_if<Declined>(&found)) co_return std::move(*declined);
    if (auto* unknown = std::get_if<Unknown>(&found)) co_return std::move(*unknown);
    co_return co_await gateway->call(call);
}

awaitable<void> Recovery::try_later(Payment payment, const Unknown& why) {
    const Instant claimed_until = *payment.due_at;
    payment.due_at = clock_.now() + limits::backoff(options_.backoff, payment.attempts, jitter_);
    co_await store_.write(
        [&](store::Transaction& tx) { return move_due(tx, payment, claimed_until); });
    postponed_.add();
    telemetry::info("A gateway still does not say what became of a call",
                    {{"payment_id", payment.id.text()},
                     {"gateway", payment.gateway},
                     {"attempt", payment.attempts},
                     {"reason", why.reason},
                     {"trace_id", payment.trace_id}});
}

awaitable<void> Recovery::give_up(Payment payment, const Unknown& why) {
    const Instant claimed_until = *payment.due_at;
    payment.due_at.reset();
    const Instant now = clock_.now();
    broker::DeadLetter letter;
    letter.id = ids_.next();
    letter.group = recovery_group;
    letter.message.event_id = payment.id;
    letter.message.topic = "payment." + std::string(name_of(payment.operation())) + "-unanswered";
    letter.message.key = payment.id.text();
    letter.message.payload = event_data_json(payment, payment.requested);
    letter.message.at = now;
    letter.error_type = "GatewayUnanswered";
    letter.error_message = why.reason;
    letter.attempts = payment.attempts;
    letter.created_at = letter.updated_at = now;
    co_await store_.write([&](store::Transaction& tx) {
        if (move_due(tx, payment, claimed_until)) broker::dead_letters::insert(tx, letter);
    });
    given_up_.add();
    telemetry::error("A gateway never said what became of a call: see florin dlq list",
                     {{"payment_id", payment.id.text()},
                      {"gateway", payment.gateway},
                      {"attempts", payment.attempts},
                      {"reason", why.reason},
                      {"trace_id", payment.trace_id}});
}

}  // namespace florin::payments
