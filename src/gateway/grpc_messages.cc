#include "gateway/grpc_messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace florin::gateway {
namespace {

namespace pb = payment::v1;

// ISO 8583 response codes, as card networks answer: 00 approved, 51 declined, 68 no answer in time.
constexpr int code_approved = 0;
constexpr int code_declined = 51;
constexpr int code_no_answer = 68;

void set_money(common::v1::Money& out, std::int64_t minor, const Currency& currency) {
    out.set_amount(minor);
    out.set_currency(std::string(currency.code()));
}

void set_result(pb::PaymentResult& out, const PaymentIntent& intent) {
    const bool success =
        intent.state == PaymentState::Completed || intent.state == PaymentState::Refunded;
    out.set_success(success);
    out.set_failure_reason(std::string(failure_reason(intent)));
    out.set_gateway_response(success                                   ? "approved"
                             : intent.state == PaymentState::Cancelled ? "cancelled"
                             : intent.state == PaymentState::Expired   ? "no answer in time"
                                                                       : "declined");
    out.set_response_code(success                                 ? code_approved
                          : intent.state == PaymentState::Expired ? code_no_answer
                                                                  : code_declined);
    if (intent.processed_at) set_instant(*out.mutable_processed_at(), *intent.processed_at);
}

}  // namespace

void set_instant(google::protobuf::Timestamp& out, Instant at) {
    const std::int64_t us = unix_us(at);
    out.set_seconds(us / 1'000'000);
    out.set_nanos(static_cast<std::int32_t>(us % 1'000'000 * 1'000));
}

pb::Payment to_payment(const PaymentIntent& intent) {
    pb::Payment payment;
    payment.set_payment_intent_id(wire_id(intent.id));
    payment.set_payment_id(payment.payment_intent_id());
    payment.set_reservation_id(intent.reservation_id);
    payment.set_user_id(intent.user_id);
    payment.set_status(static_cast<pb::PaymentStatus>(intent.state));
    set_money(*payment.mutable_amount(), intent.amount.minor, intent.amount.currency);
    payment.set_method(static_cast<pb::PaymentMethod>(intent.method));
    set_instant(*payment.mutable_created_at(), intent.created_at);
    set_instant(*payment.mutable_updated_at(), intent.updated_at);
    if (intent.processed_at) {
        set_instant(*payment.mutable_processed_at(), *intent.processed_at);
        set_result(*payment.mutable_result(), intent);
    }
    payment.set_transaction_id(transaction_id(intent));
    if (!intent.metadata.empty()) payment.mutable_metadata()->ParseFromString(intent.metadata);
    payment.mutable_metadata()->set_scenario(static_cast<pb::PaymentScenario>(intent.scenario));
    return payment;
}

pb::ProcessPaymentResponse to_processed(const PaymentIntent& intent) {
    pb::ProcessPaymentResponse response;
    response.set_payment_id(wire_id(intent.id));
    response.set_status(static_cast<pb::PaymentStatus>(intent.state));
    set_instant(*response.mutable_processed_at(), intent.processed_at.value_or(intent.updated_at));
    response.set_transaction_id(transaction_id(intent));
    if (intent.processed_at) set_result(*response.mutable_result(), intent);
    return response;
}

pb::CancelPaymentResponse to_cancelled(const CancelResult& result) {
    pb::CancelPaymentResponse response;
    response.set_status(static_cast<pb::PaymentStatus>(result.intent.state));
    set_instant(*response.mutable_cancelled_at(), result.at);
    if (result.refund) {
        set_money(*response.mutable_refunded_amount(), result.refund->amount,
                  result.intent.amount.currency);
        response.set_refund_id("rfd-" + result.refund->id.text());
    }
    return response;
}

pb::ListPaymentsResponse to_list(const IntentPage& page, bool has_previous) {
    pb::ListPaymentsResponse response;
    for (const auto& intent : page.intents) *response.add_payments() = to_payment(intent);
    auto& info = *response.mutable_page_info();
    info.set_total_count(page.total);
    info.set_has_next_page(page.more);
    info.set_has_previous_page(has_previous);
    if (page.more && page.cursor) info.set_next_cursor(text_of(*page.cursor));
    return response;
}

std::string canonical_bytes(const google::protobuf::MessageLite& request) {
    std::string bytes;
    google::protobuf::io::StringOutputStream stream(&bytes);
    {
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);  // maps in key order
        request.SerializeToCodedStream(&coded);
    }
    return bytes;
}

}  // namespace florin::gateway
