#pragma once

#include <string>

namespace florin::grpc {
class Services;
}

namespace florin::gateway {

class PaymentService;

/// What the gRPC face adds to a payment's answer.
struct GrpcApiSettings {
    std::string public_url;    // base of payment_url
    std::string token_secret;  // keys the client secrets; never leaves the process
};

/// Adds payment.v1.PaymentService to the table of one loop. The arguments outlive the table.
void add_payment_service(grpc::Services& services, PaymentService& payments,
                         const GrpcApiSettings& settings);

}  // namespace florin::gateway
