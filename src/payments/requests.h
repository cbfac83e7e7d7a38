#pragma once

#include <expected>
#include <string>
#include <vector>

#include "payments/payment_json.h"
#include "payments/payment_service.h"

namespace florin::http {
struct Request;
}

/// What clients send, checked field by field: either a request that is right, or all complaints at
/// once. Unknown fields are ignored; wrong types are not.
namespace florin::payments {

template <class Request>
using Parsed = std::expected<Request, std::vector<FieldComplaint>>;

Parsed<AuthorizePayment> parse_authorize(const http::Request& request);
/// `payment` is the path's.
Parsed<ChangePayment> parse_change(Operation operation, const http::Request& request,
                                   const Uuid& payment);
/// The merchant whose payment is asked for.
Parsed<std::string> parse_merchant(const http::Request& request);
Parsed<PaymentFilter> parse_list(const http::Request& request);

}  // namespace florin::payments
