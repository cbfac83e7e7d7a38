#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/posting.h"
#include "payments/payment.h"
#include "payments/payment_store.h"

/// Payments as the merchant API shows them. Appended by hand: this is every answer of the hot path.
namespace florin::payments {

/// The answer to an operation; `entries` are those it booked.
std::string payment_json(Operation operation, const Payment& payment,
                         const std::vector<ledger::Entry>& entries);
/// With everything that happened to it. `entries` are those of all its postings.
std::string payment_details_json(const Payment& payment, const std::vector<Step>& steps,
                                 const std::vector<ledger::Entry>& entries);
std::string payments_json(const PaymentPage& page);

/// {"code", "message", "paymentId"}, the error body of this API.
std::string error_json(std::string_view code, std::string_view message,
                       const std::optional<Uuid>& payment);

struct FieldComplaint {
    std::string field;
    std::string message;
};
/// The same with what is wrong with each field.
std::string invalid_request_json(const std::vector<FieldComplaint>& complaints);

/// The `data` of an event about the payment; `amount` is what the step was about.
std::string event_data_json(const Payment& payment, std::int64_t amount);

}  // namespace florin::payments
