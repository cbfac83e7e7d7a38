#pragma once

#include <memory>
#include <string>

#include "platform/base/time.h"
#include "platform/grpc/channel_options.h"
#include "settlement/gateway_records.h"

namespace florin::runtime {
class Loop;
}

namespace florin::settlement {

/// The records of the payment gateway simulator, over its own gRPC API: intents by merchant, which
/// it knows as the user; the reservation names the payment. It lists no refunds and keeps intents
/// for its RETENTION_HOURS only.
class SimulatorRecords final : public GatewayRecords {
public:
    /// Calls run on `loop`, whichever loop awaits them; it outlives this object.
    SimulatorRecords(runtime::Loop& loop, grpc::ChannelOptions address, Milliseconds deadline);
    ~SimulatorRecords() override;

    [[nodiscard]] std::string_view gateway() const override { return "simulator"; }
    awaitable<std::expected<GatewayRecordPage, std::string>> page(std::string merchant,
                                                                  std::string next) override;

private:
    class Client;

    runtime::Loop& loop_;
    std::unique_ptr<Client> client_;
};

}  // namespace florin::settlement
