#include "gateway/http_json.h"

#include <algorithm>

#include <boost/json.hpp>

#include "gateway/outcome.h"
#include "platform/base/time_text.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;

/// One thing that happened to a payment, or will.
struct TimelineEntry {
    Instant at;
    std::string event;   // "created", "processing", "completed", "webhook_attempt" …
    std::string detail;  // for people; may be empty
};

json::value time_or_null(std::optional<Instant> at) {
    return at ? json::value(time_text(*at)) : json::value(nullptr);
}

json::object to_object(const PaymentIntent& intent) {
    return {{"payment_intent_id", wire_id(intent.id)},
            {"reservation_id", intent.reservation_id},
            {"user_id", intent.user_id},
            {"status", std::string(name_of(intent.state))},
            {"amount", intent.amount.minor},
            {"currency", std::string(intent.amount.currency.code())},
            {"refunded_amount", intent.refunded},
            {"scenario", std::string(name_of(intent.scenario))},
            {"transaction_id", transaction_id(intent)},
            {"failure_reason", std::string(failure_reason(intent))},
            {"webhook_url", intent.webhook_url},
            {"trace_id", intent.trace_id},
            {"created_at", time_text(intent.created_at)},
            {"updated_at", time_text(intent.updated_at)},
            {"processed_at", time_or_null(intent.processed_at)},
            {"due_at", time_or_null(intent.due_at)},
            {"expires_at", time_text(intent.expires_at)}};
}

const char* name_of_state(WebhookDelivery::State state) {
    switch (state) {
        case WebhookDelivery::State::Pending:
            return "pending";
        case WebhookDelivery::State::Delivered:
            return "delivered";
        case WebhookDelivery::State::Dead:
            return "dead";
    }
    return "";
}

json::object to_object(const WebhookRecord& record) {
    const auto& delivery = record.delivery;
    json::array attempts;
    for (const auto& attempt : record.attempts) {
        attempts.push_back(json::object{{"number", attempt.number},
                                        {"at", time_text(attempt.at)},
                                        {"duration_ms", attempt.duration_ms},
                                        {"http_status", attempt.http_status},
                                        {"error", attempt.error}});
    }
    const bool pending = delivery.state == WebhookDelivery::State::Pending;
    return {{"webhook_id", delivery.id.text()},
            {"payment_intent_id", wire_id(delivery.intent)},
            {"url", delivery.url},
            {"status", std::string(name_of(static_cast<PaymentState>(delivery.payment_status)))},
            {"state", name_of_state(delivery.state)},
            {"simulated", delivery.simulated},
            {"attempts", std::move(attempts)},
            {"created_at", time_text(delivery.created_at)},
            {"next_attempt_at",
             pending ? json::value(time_text(delivery.due_at)) : json::value(nullptr)}};
}

json::array to_array(const std::vector<TimelineEntry>& timeline) {
    json::array entries;
    for (const auto& entry : timeline) {
        entries.push_back(json::object{
            {"at", time_text(entry.at)}, {"event", entry.event}, {"detail", entry.detail}});
    }
    return entries;
}

void add_attempts(const WebhookRecord& record, std::vector<TimelineEntry>& timeline) {
    for (const auto& attempt : record.attempts) {
        const bool delivered = attempt.error.empty();
        timeline.push_back(
            {attempt.at, delivered ? "webhook_delivered" : "webhook_attempt_failed",
             "attempt " + std::to_string(attempt.number) + ": " +
                 (delivered ? "HTTP " + std::to_string(attempt.http_status) : attempt.error)});
    }
    if (record.delivery.state == WebhookDelivery::State::Dead && !record.attempts.empty()) {
        timeline.push_back(
            {record.attempts.back().at, "webhook_dead", "no more attempts; it can be sent again"});
    }
}

/// Entries of the same moment keep their order.
std::vector<TimelineEntry> in_order_of_time(std::vector<TimelineEntry>& entries) {
    std::vector<TimelineEntry> sorted;
    sorted.reserve(entries.size());
    for (auto& entry : entries) {
        sorted.insert(std::ranges::upper_bound(sorted, entry.at, {}, &TimelineEntry::at),
                      std::move(entry));
    }
    return sorted;
}

std::string outcome_event(PaymentState state) {
    switch (state) {
        case PaymentState::Failed:
            return "failed";
        case PaymentState::Cancelled:
            return "cancelled";
        case PaymentState::Expired:
            return "expired";
        case PaymentState::Completed:
        case PaymentState::Refunded:
            return "completed";
        case PaymentState::Pending:
        case PaymentState::Processing:
            return "";
    }
    return "";
}

/// Oldest first.
std::vector<TimelineEntry> timeline_of(const PaymentStory& story) {
    const PaymentIntent& intent = story.intent;
    std::vector<TimelineEntry> timeline{
        {intent.created_at, "created", "scenario " + std::string(name_of(intent.scenario))}};
    if (intent.processing_at) timeline.push_back({*intent.processing_at, "processing", ""});
    if (intent.processed_at) {
        timeline.push_back({*intent.processed_at, outcome_event(intent.state),
                            std::string(failure_reason(intent))});
    }
    for (const auto& refund : story.refunds) {
        timeline.push_back({refund.created_at, "refunded",
                            std::to_string(refund.amount) + " " +
                                std::string(intent.amount.currency.code()) +
                                (refund.reason.empty() ? "" : ": " + refund.reason)});
    }
    for (const auto& record : story.webhooks) add_attempts(record, timeline);
    return in_order_of_time(timeline);
}

/// Whether nothing can happen any more by itself: the payment page stops asking.
bool story_ended(const PaymentStory& story) {
    return !story.intent.due_at &&
           std::ranges::none_of(story.webhooks, [](const WebhookRecord& record) {
               return record.delivery.state == WebhookDelivery::State::Pending;
           });
}

}  // namespace

std::optional<PaymentStory> read_story(store::Snapshot& snapshot, const Uuid& id) {
    auto intent = find_intent(snapshot, id);
    if (!intent) return std::nullopt;
    return PaymentStory{std::move(*intent), refunds_of(snapshot, id), deliveries_of(snapshot, id)};
}

std::string payment_json(const PaymentIntent& intent) {
    return json::serialize(to_object(intent));
}

std::string payments_json(const IntentPage& page) {
    json::array payments;
    for (const auto& intent : page.intents) payments.push_back(to_object(intent));
    json::object body{{"payments", std::move(payments)}, {"total_count", page.total}};
    body["next_cursor"] =
        page.more && page.cursor ? json::value(text_of(*page.cursor)) : json::value(nullptr);
    return json::serialize(body);
}

std::string timeline_json(const PaymentStory& story) {
    return json::serialize(json::object{{"payment_intent_id", wire_id(story.intent.id)},
                                        {"ended", story_ended(story)},
                                        {"timeline", to_array(timeline_of(story))}});
}

std::string public_state_json(const PaymentStory& story) {
    const PaymentIntent& intent = story.intent;
    return json::serialize(json::object{{"payment_intent_id", wire_id(intent.id)},
                                        {"status", std::string(name_of(intent.state))},
                                        {"amount", intent.amount.minor},
                                        {"currency", std::string(intent.amount.currency.code())},
                                        {"refunded_amount", intent.refunded},
                                        {"ended", story_ended(story)},
                                        {"timeline", to_array(timeline_of(story))}});
}

std::string webhook_json(const WebhookRecord& record) {
    return json::serialize(to_object(record));
}

std::string webhooks_json(const std::vector<WebhookRecord>& records, bool more) {
    json::array webhooks;
    for (const auto& record : records) webhooks.push_back(to_object(record));
    json::object body{{"webhooks", std::move(webhooks)}};
    body["next_cursor"] =
        more ? json::value(records.back().delivery.id.text()) : json::value(nullptr);
    return json::serialize(body);
}

}  // namespace florin::gateway
