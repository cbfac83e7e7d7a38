#include "payments/simulator_gateway.h"

#include <chrono>

#include "platform/grpc/channel.h"
#include "platform/runtime/run_on.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::payments {
namespace {

namespace pb = ::payment::v1;

constexpr std::string_view create_path = "/payment.v1.PaymentService/CreatePaymentIntent";
constexpr std::string_view process_path = "/payment.v1.PaymentService/ProcessPayment";
constexpr std::string_view status_path = "/payment.v1.PaymentService/GetPaymentStatus";
constexpr std::string_view cancel_path = "/payment.v1.PaymentService/CancelPayment";
constexpr std::string_view list_path = "/payment.v1.PaymentService/ListPayments";

/// What a failed call tells of the operation: a refusal decides it, everything else leaves it open.
GatewayAnswer failed(const grpc::Status& status) {
    switch (status.code) {
        case grpc::Code::InvalidArgument:
        case grpc::Code::NotFound:
        case grpc::Code::FailedPrecondition:
            return Declined{"GATEWAY_REFUSED", status.message};
        case grpc::Code::DeadlineExceeded:
            return Unknown{Unknown::Kind::TimedOut, status.message};
        case grpc::Code::Ok:
        case grpc::Code::Cancelled:
        case grpc::Code::Unknown:
        case grpc::Code::AlreadyExists:
        case grpc::Code::PermissionDenied:
        case grpc::Code::ResourceExhausted:
        case grpc::Code::Aborted:
        case grpc::Code::OutOfRange:
        case grpc::Code::Unimplemented:
        case grpc::Code::Internal:
        case grpc::Code::Unavailable:
        case grpc::Code::DataLoss:
        case grpc::Code::Unauthenticated:
            break;
    }
    return Unknown{Unknown::Kind::Fault, status.message};
}

Declined declined(const pb::PaymentResult& result) {
    return {"GATEWAY_DECLINED",
            result.failure_reason().empty() ? "the gateway declined" : result.failure_reason()};
}

void set_money(common::v1::Money& money, std::int64_t amount, Currency currency) {
    money.set_amount(amount);
    money.set_currency(std::string(currency.code()));
}

/// What the payment's own state says of its authorization.
FindAnswer authorization_of(const pb::Payment& payment) {
    // Not a switch: a later simulator may know states that this one does not.
    const auto status = payment.status();
    if (status == pb::PAYMENT_STATUS_COMPLETED || status == pb::PAYMENT_STATUS_REFUNDED)
        return Approved{payment.payment_intent_id(), payment.transaction_id()};
    if (status == pb::PAYMENT_STATUS_FAILED) return declined(payment.result());
    if (status == pb::PAYMENT_STATUS_CANCELLED || status == pb::PAYMENT_STATUS_EXPIRED)
        return Declined{"GATEWAY_DECLINED", "the gateway has closed the payment"};
    return Unknown{Unknown::Kind::TimedOut, "the gateway is still deciding"};
}

GatewayAnswer answer_of(FindAnswer found) {
    if (auto* approved = std::get_if<Approved>(&found)) return std::move(*approved);
    if (auto* refused = std::get_if<Declined>(&found)) return std::move(*refused);
    if (auto* unknown = std::get_if<Unknown>(&found)) return std::move(*unknown);
    return Unknown{Unknown::Kind::Fault, "the gateway does not know the payment"};
}

}  // namespace

/// The calls themselves, on the channel's loop.
class SimulatorGateway::Client {
public:
    Client(runtime::Loop& loop, const SimulatorGatewayOptions& options)
        : channel_(loop, options.address), deadline_(options.deadline) {}

    awaitable<GatewayAnswer> make(GatewayCall call) {
        switch (call.operation) {
            case Operation::Authorize:
                co_return co_await authorize(std::move(call));
            case Operation::Capture:
                co_return co_await capture(std::move(call));
            case Operation::Refund:
            case Operation::Void:
                break;
        }
        const bool whole = call.operation == Operation::Void;
        const std::int64_t amount = whole ? call.held : call.amount;
        co_return co_await give_back(std::move(call), amount);
    }

    awaitable<FindAnswer> find(GatewayCall call) {
        // The others are found by making them again: their keys make that the same call.
        if (call.operation != Operation::Authorize) co_return NeverSeen{};
        pb::ListPaymentsRequest request;
        request.set_reservation_id(call.payment.text());
        request.mutable_pagination()->set_page_size(1);
        const auto found =
            co_await channel_.call<pb::ListPaymentsResponse>(list_path, request, options_for(call));
        if (!found) co_return Unknown{Unknown::Kind::Fault, found.error().message};
        if (found->payments().empty()) co_return NeverSeen{};
        const auto& payment = found->payments(0);
        if (payment.status() == pb::PAYMENT_STATUS_PENDING) co_return NeverSeen{};
        co_return authorization_of(payment);
    }

private:
    [[nodiscard]] grpc::CallOptions options_for(const GatewayCall& call) const {
        grpc::CallOptions options;
        options.deadline = deadline_;
        if (!call.trace_id.empty())
            options.metadata.emplace_back("x-correlation-id", call.trace_id);
        return options;
    }

    awaitable<GatewayAnswer> authorize(GatewayCall call) {
        pb::CreatePaymentIntentRequest create;
        create.set_reservation_id(call.payment.text());
        create.set_user_id(call.merchant);
        create.set_idempotency_key(call.idempotency_key());
        set_money(*create.mutable_amount(), call.amount, call.currency);
        const auto created = co_await channel_.call<pb::CreatePaymentIntentResponse>(
            create_path, create, options_for(call));
        if (!created) co_return failed(created.error());
        pb::ProcessPaymentRequest process;
        process.set_payment_intent_id(created->payment_intent_id());
        const auto processed = co_await channel_.call<pb::ProcessPaymentResponse>(
            process_path, process, options_for(call));
        if (!processed) {
            if (processed.error().code == grpc::Code::FailedPrecondition)
                co_return co_await ask(created->payment_intent_id(), call);
            co_return failed(processed.error());
        }
        if (processed->status() == pb::PAYMENT_STATUS_COMPLETED)
            co_return Approved{created->payment_intent_id(), processed->transaction_id()};
        if (processed->status() == pb::PAYMENT_STATUS_FAILED)
            co_return declined(processed->result());
        co_return Unknown{Unknown::Kind::TimedOut, "the gateway is still deciding"};
    }

    awaitable<GatewayAnswer> ask(std::string intent, const GatewayCall& call) {
        pb::GetPaymentStatusRequest request;
        request.set_payment_intent_id(std::move(intent));
        const auto found = co_await channel_.call<pb::GetPaymentStatusResponse>(
            status_path, request, options_for(call));
        if (!found) co_return failed(found.error());
        co_return answer_of(authorization_of(found->payment()));
    }

    awaitable<GatewayAnswer> capture(GatewayCall call) {
        const std::int64_t rest = call.held - call.amount;
        if (rest > 0) co_return co_await give_back(std::move(call), rest);
        co_return co_await ask(call.gateway_reference, call);
    }

    awaitable<GatewayAnswer> give_back(GatewayCall call, std::int64_t amount) {
        pb::CancelPaymentRequest request;
        request.set_payment_intent_id(call.gateway_reference);
        request.set_reason(call.reason);
        request.set_idempotency_key(call.idempotency_key());
        set_money(*request.mutable_refund_amount(), amount, call.currency);
        const auto cancelled = co_await channel_.call<pb::CancelPaymentResponse>(
            cancel_path, request, options_for(call));
        if (!cancelled) co_return failed(cancelled.error());
        co_return Approved{call.gateway_reference, cancelled->refund_id()};
    }

    grpc::Channel channel_;
    const Milliseconds deadline_;
};

SimulatorGateway::SimulatorGateway(runtime::Loop& loop, const SimulatorGatewayOptions& options)
    : loop_(loop), client_(std::make_unique<Client>(loop, options)) {}

SimulatorGateway::~SimulatorGateway() = default;

std::optional<GatewayAnswer> SimulatorGateway::decide(const GatewayCall& /*call*/) const {
    return std::nullopt;
}

awaitable<GatewayAnswer> SimulatorGateway::call(GatewayCall call) {
    co_return co_await runtime::run_on(loop_, client_->make(std::move(call)));
}

awaitable<FindAnswer> SimulatorGateway::find(GatewayCall call) {
    co_return co_await runtime::run_on(loop_, client_->find(std::move(call)));
}

}  // namespace florin::payments
