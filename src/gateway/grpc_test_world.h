#pragma once

#include <string>

#include "gateway/grpc_api.h"
#include "gateway/test_world.h"
#include "platform/grpc/fake_call.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::gateway {

/// The gateway behind its gRPC face, called without a connection.
class GrpcWorld : public TestWorld {
public:
    explicit GrpcWorld(std::uint64_t seed = 1) : TestWorld(seed) {
        add_payment_service(services, *payments, grpc_settings);
    }
    void restart() {
        services = grpc::Services();
        offered.clear();
        TestWorld::restart();
        add_payment_service(services, *payments, grpc_settings);
    }

    [[nodiscard]] const grpc::Services::Method& method(std::string_view name) const {
        const auto* found = services.find("/payment.v1.PaymentService/" + std::string(name));
        require(found != nullptr, "the method exists");
        return *found;
    }

    template <class Response, class Request>
    grpc::Reply<Response> call(std::string_view name, const Request& request) {
        const std::string bytes = request.SerializeAsString();
        last_answer.clear();
        grpc::Status status = get(method(name).unary(fake_call, bytes, last_answer));
        if (!status.ok()) return std::unexpected(std::move(status));
        Response response;
        require(response.ParseFromString(last_answer), "the answer is a message");
        return response;
    }

    std::string create(payment::v1::PaymentScenario scenario = payment::v1::approve,
                       const std::string& webhook_url = "") {
        auto request = valid_request();
        request.set_scenario(scenario);
        request.set_webhook_url(webhook_url);
        return call<payment::v1::CreatePaymentIntentResponse>("CreatePaymentIntent", request)
            .value()
            .payment_intent_id();
    }

    payment::v1::Payment payment(const std::string& id) {
        payment::v1::GetPaymentStatusRequest request;
        request.set_payment_intent_id(id);
        return call<payment::v1::GetPaymentStatusResponse>("GetPaymentStatus", request)
            .value()
            .payment();
    }

    static payment::v1::CreatePaymentIntentRequest valid_request() {
        payment::v1::CreatePaymentIntentRequest request;
        request.set_reservation_id("rsv-1");
        request.set_user_id("user-1");
        request.mutable_amount()->set_amount(100'000);
        request.mutable_amount()->set_currency("KRW");
        return request;
    }

    const GrpcApiSettings grpc_settings{"http://pay.test", "token-secret"};
    grpc::Services services;
    grpc::FakeCall fake_call;
    std::string last_answer;  // bytes of the latest call's answer
};

inline constexpr store::Sql count_events("SELECT count(*) FROM outbox");
inline constexpr store::Sql count_deliveries("SELECT count(*) FROM webhook_delivery");
inline constexpr store::Sql count_intents("SELECT count(*) FROM gateway_intent");

}  // namespace florin::gateway
