#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "platform/aws/event_bridge.h"
#include "platform/base/time.h"
#include "platform/broker/relay.h"
#include "platform/telemetry/metrics.h"

namespace florin::runtime {
class Loop;
}

namespace florin::gateway {

struct EventBridgeRelayOptions {
    std::string source = "payment-sim-api";
    std::string bus = "ticket-reservation-events";
    std::size_t calls_max = 8;  // under way at once
    Milliseconds call_deadline{10'000};
};

/// The Detail of the event that tells a payment's outcome: the contract's keys in its order, then
/// `payment_intent_id`, `transaction_id`, `failure_reason`, `type`, `notification_id`, which stays
/// the same however often the event is sent, and `trace_id`. `payload` is that of the log. The
/// error says what is missing.
std::expected<std::string, std::string> event_detail(const broker::Message& message);

/// Tells the outcomes of payments (completed, failed, cancelled, expired) to an event bus: ten to a
/// call, several calls at once. An entry that the bus does not take is told apart from a bus that
/// takes nothing or wants less, which gets no further calls of the round. Counts
/// florin_event_bridge_entries_total{result}. On one loop.
class EventBridgeRelay final : public broker::Relay {
public:
    /// The references outlive this object; `client` speaks to `aws::event_bridge_service`.
    EventBridgeRelay(runtime::Loop& loop, aws::Client& client, EventBridgeRelayOptions options,
                     telemetry::Metrics& metrics);

    static constexpr std::string_view group_name = "event-bridge";
    [[nodiscard]] std::string_view group() const override { return group_name; }
    [[nodiscard]] std::vector<std::string> topics() const override {
        return {"payment.completed", "payment.failed", "payment.cancelled", "payment.expired"};
    }
    awaitable<std::vector<broker::Relayed>> relay(std::vector<broker::Message> messages) override;

private:
    class Round;

    awaitable<void> lane(Round& round);
    awaitable<void> put(Round& round, std::vector<std::size_t> items);
    void settle(Round& round, std::size_t item, const aws::EntryResult& result);

    runtime::Loop& loop_;
    aws::Client& client_;
    const EventBridgeRelayOptions options_;
    telemetry::Counter taken_;
    telemetry::Counter failed_;
    telemetry::Counter later_;
};

}  // namespace florin::gateway
