#pragma once

#include <memory>
#include <string>

#include "payments/payment_gateway.h"
#include "platform/grpc/channel_options.h"

namespace florin::runtime {
class Loop;
}

namespace florin::payments {

struct SimulatorGatewayOptions {
    grpc::ChannelOptions address;
    Milliseconds deadline{3'000};  // of one operation
};

/// The payment gateway simulator of this product, over its own gRPC API, as a gateway of merchants.
/// It takes money in one step, so an authorization is a completed payment there: a capture takes
/// nothing more, a partial one gives the rest back, a void gives back everything. Every call
/// carries its idempotency key, and a payment's intent is found again by its reservation id, which
/// is the payment's id.
class SimulatorGateway final : public PaymentGateway {
public:
    /// Calls run on `loop`, whichever loop awaits them; it outlives this object.
    SimulatorGateway(runtime::Loop& loop, const SimulatorGatewayOptions& options);
    ~SimulatorGateway() override;

    [[nodiscard]] std::string_view name() const override { return "simulator"; }
    [[nodiscard]] std::optional<GatewayAnswer> decide(const GatewayCall& call) const override;
    awaitable<GatewayAnswer> call(GatewayCall call) override;
    awaitable<FindAnswer> find(GatewayCall call) override;

private:
    class Client;

    runtime::Loop& loop_;
    std::unique_ptr<Client> client_;
};

}  // namespace florin::payments
