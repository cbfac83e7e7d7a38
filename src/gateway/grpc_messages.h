#pragma once

#include "gateway/payment_service.h"
#include "proto/payment/v1/payment.pb.h"

/// Payments as messages of payment.v1.
namespace florin::gateway {

void set_instant(google::protobuf::Timestamp& out, Instant at);
payment::v1::Payment to_payment(const PaymentIntent& intent);
payment::v1::ProcessPaymentResponse to_processed(const PaymentIntent& intent);
payment::v1::CancelPaymentResponse to_cancelled(const CancelResult& result);
payment::v1::ListPaymentsResponse to_list(const IntentPage& page, bool has_previous);

/// The request without its idempotency key, in a form in which equal requests have equal bytes.
std::string canonical_bytes(const google::protobuf::MessageLite& request_without_key);

}  // namespace florin::gateway
