#include "gateway/outcome.h"

#include "gateway/webhooks/delivery_store.h"
#include "platform/base/json_text.h"
#include "platform/base/require.h"
#include "platform/http/url.h"
#include "platform/telemetry/log.h"

namespace florin::gateway {
namespace {

std::string_view event_type(IntentChange change) {
    switch (change) {
        case IntentChange::Completed:
            return "payment.completed";
        case IntentChange::Failed:
            return "payment.failed";
        case IntentChange::Cancelled:
            return "payment.cancelled";
        case IntentChange::Refunded:
            return "payment.refunded";
        case IntentChange::Expired:
            return "payment.expired";
        case IntentChange::None:
        case IntentChange::Processing:
            return "";
    }
    require(false, "a change is one of the seven");
    return "";
}

std::string event_data(const PaymentIntent& intent, std::string_view payment_id, Instant now) {
    std::string json;
    json.reserve(384);
    json += R"({"payment_id":")";
    json += payment_id;
    json += R"(","reservation_id":)";
    append_json_string(json, intent.reservation_id);
    json += R"(,"user_id":)";
    append_json_string(json, intent.user_id);
    json += R"(,"status":")";
    json += name_of(intent.state);
    json += R"(","amount":)";
    json += std::to_string(intent.amount.minor);
    json += R"(,"currency":")";
    json += intent.amount.currency.code();
    json += R"(","timestamp":)";
    json += std::to_string(unix_seconds(now));
    json += R"(,"event_type":"payment.status_updated","payment_intent_id":")";
    json += payment_id;
    json += R"(","transaction_id":")";
    json += transaction_id(intent);
    json += R"(","failure_reason":")";
    json += failure_reason(intent);
    json += R"(","refunded_amount":)";
    json += std::to_string(intent.refunded);
    json += '}';
    return json;
}

WebhookDelivery delivery_of(const PaymentIntent& intent, const Uuid& id, Instant due, Instant now) {
    WebhookDelivery delivery;
    delivery.id = id;
    delivery.intent = intent.id;
    delivery.url = intent.webhook_url;
    // Checked when the payment was created; should it not parse any more, its delivery goes dead.
    if (const auto url = http::parse_url(intent.webhook_url)) delivery.origin = url->origin();
    delivery.reservation_id = intent.reservation_id;
    delivery.payment_status = static_cast<int>(intent.state);
    delivery.amount = intent.amount;
    delivery.created_at = now;
    delivery.due_at = due;
    delivery.trace_id = intent.trace_id;
    return delivery;
}

}  // namespace

std::string_view failure_reason(const PaymentIntent& intent) {
    switch (intent.state) {
        case PaymentState::Failed:
            return "card_declined";
        case PaymentState::Cancelled:
            return "cancelled";
        case PaymentState::Expired:
            return "expired";
        case PaymentState::Pending:
        case PaymentState::Processing:
        case PaymentState::Completed:
        case PaymentState::Refunded:
            return "";
    }
    require(false, "a payment has one of the seven states");
    return "";
}

std::string transaction_id(const PaymentIntent& intent) {
    const bool decided = intent.state == PaymentState::Completed ||
                         intent.state == PaymentState::Failed ||
                         intent.state == PaymentState::Refunded;
    return decided ? "txn-" + intent.id.text() : std::string();
}

Notices notices_of(const PaymentIntent& intent, IntentChange change, const NoticeIds& ids,
                   Instant now) {
    const std::string_view type = event_type(change);
    if (type.empty()) return {};
    Notices notices;
    outbox::Event event;
    event.id = ids.event;
    event.type = type;
    event.aggregate_type = "payment";
    event.aggregate_id = wire_id(intent.id);
    event.at = now;
    event.payload = outbox::cloud_event(event, "/florin/gateway", intent.trace_id,
                                        event_data(intent, event.aggregate_id, now));
    notices.event = std::move(event);
    const bool outcome = change == IntentChange::Completed || change == IntentChange::Failed;
    if (outcome && !intent.webhook_url.empty())
        notices.delivery = delivery_of(intent, ids.delivery, now, now);
    return notices;
}

WebhookDelivery simulated_delivery(const PaymentIntent& intent, PaymentState told, const Uuid& id,
                                   Instant due, Instant now) {
    WebhookDelivery delivery = delivery_of(intent, id, due, now);
    delivery.payment_status = static_cast<int>(told);
    delivery.simulated = true;
    return delivery;
}

void log_outcome(const PaymentIntent& intent, Instant now) {
    if (!telemetry::enabled(telemetry::Level::Info)) return;
    telemetry::info("Payment processed successfully",
                    {{"payment_id", wire_id(intent.id)},
                     {"reservation_id", intent.reservation_id},
                     {"status", name_of(intent.state)},
                     {"latency_ms", (now - intent.created_at) / Milliseconds(1)},
                     {"trace_id", intent.trace_id}});
}

void store_notices(store::Transaction& tx, const Notices& notices) {
    if (notices.event) outbox::append(tx, *notices.event);
    if (notices.delivery) insert_delivery(tx, *notices.delivery);
}

}  // namespace florin::gateway
