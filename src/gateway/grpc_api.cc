#include "gateway/grpc_api.h"

#include "gateway/grpc_messages.h"
#include "gateway/payment_service.h"
#include "gateway/validation.h"
#include "platform/crypto/hmac.h"
#include "platform/grpc/service.h"
#include "platform/telemetry/log.h"

namespace florin::gateway {
namespace {

namespace pb = payment::v1;
using grpc::Call;
using grpc::Code;
using grpc::Reply;
using grpc::Status;

constexpr const char* service_name = "payment.v1.PaymentService";
constexpr std::size_t key_bytes_max = 128;
constexpr std::size_t reason_bytes_max = 256;
constexpr int page_size_default = 20;
constexpr int page_size_max = 100;
constexpr int delay_seconds_max = 86'400;

Status bad_request(std::string text) {
    return {Code::InvalidArgument, std::move(text)};
}

// "not found" and "conflict" are words that clients look for in the text.
Status status_of(ServiceRefusal refusal, const std::string& payment_id) {
    switch (refusal) {
        case ServiceRefusal::NotFound:
            return {Code::NotFound, "payment intent not found: " + payment_id};
        case ServiceRefusal::IdempotencyConflict:
            return {Code::AlreadyExists,
                    "idempotency conflict: this key was used for another request; send a new key"};
        case ServiceRefusal::NotCancellable:
            return {Code::FailedPrecondition,
                    "the payment has ended without being completed, so there is nothing to cancel "
                    "or refund"};
        case ServiceRefusal::NotProcessable:
            return {Code::FailedPrecondition,
                    "the payment is cancelled, refunded or expired; create a new one"};
        case ServiceRefusal::CurrencyDiffers:
            return bad_request("bad request: refund_amount.currency: must be the payment's");
        case ServiceRefusal::AmountNotPositive:
            return bad_request("bad request: refund_amount.amount: must be above zero");
        case ServiceRefusal::AmountTooLarge:
            return {Code::FailedPrecondition, "refund_amount is more than is left to refund"};
        case ServiceRefusal::RefundBeforeOutcome:
            return {Code::FailedPrecondition,
                    "the payment is not completed, so nothing can be refunded; leave refund_amount "
                    "out to cancel it"};
        case ServiceRefusal::NoWebhookUrl:
            return {Code::FailedPrecondition, "the payment was created without a webhook_url"};
        case ServiceRefusal::NothingToTell:
            return {Code::FailedPrecondition,
                    "the payment has told its receiver no outcome; give the target_status to send"};
    }
    return {Code::Internal, "the service failed; the reason is in its log"};
}

template <class Message>
Reply<Message> decoded(Answer<std::string> answer, const std::string& payment_id) {
    if (!answer) return std::unexpected(status_of(answer.error(), payment_id));
    Message message;
    message.ParseFromString(*answer);
    return message;
}

template <class Request>
IdempotencyKey key_of(std::string scope, const Request& request) {
    if (request.idempotency_key().empty()) return {};
    Request without_key = request;
    without_key.clear_idempotency_key();
    const auto print = crypto::fingerprint({}, canonical_bytes(without_key));
    return {std::move(scope), request.idempotency_key(), std::string(print.begin(), print.end())};
}

/// The face of one loop's PaymentService; both live as long as the table of methods.
class GrpcApi {
public:
    GrpcApi(PaymentService& payments, const GrpcApiSettings& settings)
        : payments_(payments), settings_(settings) {}

    awaitable<Reply<pb::CreatePaymentIntentResponse>> create(
        Call& call, const pb::CreatePaymentIntentRequest& request) {
        auto valid =
            validate_create(request, payments_.default_scenario(), call.metadata("x-delay-ms"));
        if (!valid) co_return std::unexpected(bad_request(std::move(valid.error())));
        valid->intent.trace_id = call.trace_id();
        PaymentIntent intent = payments_.prepare(std::move(valid->intent), valid->delay);
        pb::CreatePaymentIntentResponse response;
        response.set_payment_intent_id(wire_id(intent.id));
        response.set_status(pb::PAYMENT_STATUS_PENDING);
        response.set_client_secret(client_secret(response.payment_intent_id()));
        response.set_payment_url(settings_.public_url + "/pay/" + response.payment_intent_id());
        set_instant(*response.mutable_expires_at(), intent.expires_at);
        if (telemetry::enabled(telemetry::Level::Debug)) {
            telemetry::debug("CreatePaymentIntent", {{"payment_id", response.payment_intent_id()},
                                                     {"reservation_id", intent.reservation_id},
                                                     {"user_id", intent.user_id},
                                                     {"scenario", name_of(intent.scenario)},
                                                     {"trace_id", intent.trace_id}});
        }
        auto key = key_of("create:" + request.user_id(), request);
        std::string kept = key.key.empty() ? std::string() : response.SerializeAsString();
        const auto answer =
            co_await payments_.create(std::move(intent), std::move(key), std::move(kept));
        if (!answer) co_return std::unexpected(status_of(answer.error(), {}));
        if (!answer->empty()) response.ParseFromString(*answer);
        co_return response;
    }

    awaitable<Reply<pb::ProcessPaymentResponse>> process(Call& call,
                                                         const pb::ProcessPaymentRequest& request) {
        Complaints complaints;
        require_id(request.payment_intent_id(), complaints);
        validate_text(request.idempotency_key(), "idempotency_key", key_bytes_max, complaints);
        if (request.has_payment_details()) validate_details(request.payment_details(), complaints);
        if (!complaints.none()) co_return std::unexpected(bad_request(complaints.text()));
        telemetry::debug("ProcessPayment", {{"payment_id", request.payment_intent_id()},
                                            {"trace_id", call.trace_id()}});
        const auto id = parse_wire_id(request.payment_intent_id());
        if (!id)
            co_return std::unexpected(
                status_of(ServiceRefusal::NotFound, request.payment_intent_id()));
        co_return decoded<pb::ProcessPaymentResponse>(
            co_await payments_.process(*id, key_of("process:" + id->text(), request),
                                       [](const PaymentIntent& intent) {
                                           return to_processed(intent).SerializeAsString();
                                       }),
            request.payment_intent_id());
    }

    awaitable<Reply<pb::GetPaymentStatusResponse>> get(Call& /*call*/,
                                                       const pb::GetPaymentStatusRequest& request) {
        Complaints complaints;
        require_id(request.payment_intent_id(), complaints);
        if (!complaints.none()) co_return std::unexpected(bad_request(complaints.text()));
        const auto id = parse_wire_id(request.payment_intent_id());
        if (!id)
            co_return std::unexpected(
                status_of(ServiceRefusal::NotFound, request.payment_intent_id()));
        const auto intent = co_await payments_.find(*id, request.user_id());
        if (!intent)
            co_return std::unexpected(status_of(intent.error(), request.payment_intent_id()));
        pb::GetPaymentStatusResponse response;
        *response.mutable_payment() = to_payment(*intent);
        co_return response;
    }

    awaitable<Reply<pb::CancelPaymentResponse>> cancel(Call& call,
                                                       const pb::CancelPaymentRequest& request) {
        Complaints complaints;
        require_id(request.payment_intent_id(), complaints);
        validate_text(request.idempotency_key(), "idempotency_key", key_bytes_max, complaints);
        validate_text(request.reason(), "reason", reason_bytes_max, complaints);
        std::optional<Money> refund;
        if (request.has_refund_amount())
            refund = validate_money(request.refund_amount(), "refund_amount", complaints);
        if (!complaints.none()) co_return std::unexpected(bad_request(complaints.text()));
        telemetry::debug("CancelPayment", {{"payment_id", request.payment_intent_id()},
                                           {"trace_id", call.trace_id()}});
        const auto id = parse_wire_id(request.payment_intent_id());
        if (!id)
            co_return std::unexpected(
                status_of(ServiceRefusal::NotFound, request.payment_intent_id()));
        co_return decoded<pb::CancelPaymentResponse>(
            co_await payments_.cancel(*id, refund, request.reason(),
                                      key_of("cancel:" + id->text(), request),
                                      [](const CancelResult& result) {
                                          return to_cancelled(result).SerializeAsString();
                                      }),
            request.payment_intent_id());
    }

    awaitable<Reply<pb::ListPaymentsResponse>> list(Call& /*call*/,
                                                    const pb::ListPaymentsRequest& request) {
        Complaints complaints;
        const auto filter = list_filter(request, complaints);
        if (!complaints.none()) co_return std::unexpected(bad_request(complaints.text()));
        co_return to_list(co_await payments_.list(filter), filter.after || filter.offset > 0);
    }

    awaitable<Reply<pb::SimulateWebhookResponse>> simulate(
        Call& /*call*/, const pb::SimulateWebhookRequest& request) {
        Complaints complaints;
        require_id(request.payment_intent_id(), complaints);
        if (request.target_status() != pb::PAYMENT_STATUS_UNSPECIFIED &&
            request.target_status() != pb::PAYMENT_STATUS_COMPLETED &&
            request.target_status() != pb::PAYMENT_STATUS_FAILED) {
            complaints.add("target_status",
                           "must be PAYMENT_STATUS_COMPLETED or PAYMENT_STATUS_FAILED, which are "
                           "what webhooks tell");
        }
        if (request.delay_seconds() < 0 || request.delay_seconds() > delay_seconds_max) {
            complaints.add("delay_seconds", "must be between zero and one day");
        }
        if (!complaints.none()) co_return std::unexpected(bad_request(complaints.text()));
        const auto id = parse_wire_id(request.payment_intent_id());
        if (!id)
            co_return std::unexpected(
                status_of(ServiceRefusal::NotFound, request.payment_intent_id()));
        const Seconds delay(request.force_trigger() ? 0 : request.delay_seconds());
        const auto sent = co_await payments_.simulate_webhook(
            *id, payment_state_from(static_cast<int>(request.target_status())), delay);
        if (!sent) co_return std::unexpected(status_of(sent.error(), request.payment_intent_id()));
        pb::SimulateWebhookResponse response;
        response.set_webhook_sent(sent->sent_now);
        response.set_webhook_id(sent->id.text());
        set_instant(*response.mutable_scheduled_at(), sent->scheduled_at);
        co_return response;
    }

private:
    static void require_id(const std::string& id, Complaints& complaints) {
        if (id.empty()) complaints.add("payment_intent_id", "must not be empty");
        validate_text(id, "payment_intent_id", key_bytes_max, complaints);
    }

    static IntentFilter list_filter(const pb::ListPaymentsRequest& request,
                                    Complaints& complaints) {
        IntentFilter filter;
        filter.user_id = request.user_id();
        filter.reservation_id = request.reservation_id();
        validate_text(filter.user_id, "user_id", key_bytes_max, complaints);
        validate_text(filter.reservation_id, "reservation_id", key_bytes_max, complaints);
        if (!pb::PaymentStatus_IsValid(request.status()))
            complaints.add("status", "is not a payment status");
        filter.state = payment_state_from(static_cast<int>(request.status()));
        const auto& page = request.pagination();
        filter.limit = page.page_size() == 0 ? page_size_default : page.page_size();
        if (filter.limit < 1 || filter.limit > page_size_max) {
            complaints.add("pagination.page_size", "must be between one and one hundred");
        }
        if (!page.cursor().empty()) {
            filter.after = store::parse_bucket_cursor(page.cursor());
            if (!filter.after)
                complaints.add("pagination.cursor", "must be a next_cursor of an earlier page");
        } else if (page.page() > 1) {
            filter.offset =
                page.page() > count_max ? count_max + 1 : (page.page() - 1) * filter.limit;
            if (filter.offset > count_max)
                complaints.add("pagination.page", "is too far; go on with next_cursor");
        }
        if (page.page() < 0) complaints.add("pagination.page", "must not be negative");
        return filter;
    }

    [[nodiscard]] std::string client_secret(const std::string& id) const {
        return id + "_secret_" + crypto::hex(crypto::fingerprint(settings_.token_secret, id));
    }

    PaymentService& payments_;
    const GrpcApiSettings& settings_;
};

}  // namespace

void add_payment_service(grpc::Services& services, PaymentService& payments,
                         const GrpcApiSettings& settings) {
    // Owned by the handlers, which the table owns.
    const auto api = std::make_shared<GrpcApi>(payments, settings);
    services.unary<pb::CreatePaymentIntentRequest, pb::CreatePaymentIntentResponse>(
        service_name, "CreatePaymentIntent",
        [api](Call& call, const auto& request) { return api->create(call, request); });
    services.unary<pb::ProcessPaymentRequest, pb::ProcessPaymentResponse>(
        service_name, "ProcessPayment",
        [api](Call& call, const auto& request) { return api->process(call, request); });
    for (const char* name : {"GetPaymentStatus", "GetPaymentIntent"}) {
        services.unary<pb::GetPaymentStatusRequest, pb::GetPaymentStatusResponse>(
            service_name, name,
            [api](Call& call, const auto& request) { return api->get(call, request); });
    }
    services.unary<pb::CancelPaymentRequest, pb::CancelPaymentResponse>(
        service_name, "CancelPayment",
        [api](Call& call, const auto& request) { return api->cancel(call, request); });
    services.unary<pb::ListPaymentsRequest, pb::ListPaymentsResponse>(
        service_name, "ListPayments",
        [api](Call& call, const auto& request) { return api->list(call, request); });
    services.unary<pb::SimulateWebhookRequest, pb::SimulateWebhookResponse>(
        service_name, "SimulateWebhook",
        [api](Call& call, const auto& request) { return api->simulate(call, request); });
}

}  // namespace florin::gateway
