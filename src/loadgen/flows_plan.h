#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "payments/payment.h"

/// What each flow of merchant payments asks, as a function of its number: a run that repeats a
/// number repeats the request.
namespace florin::loadgen {

/// The steps of a flow, in order.
constexpr std::array<payments::Operation, 3> flow_steps = {
    payments::Operation::Authorize, payments::Operation::Capture, payments::Operation::Refund};

struct FlowMix {
    std::string run;  // distinguishes this run's merchants and keys; at most 16 characters
    std::uint32_t merchants = 1;     // who share the flows, in turn
    double retried_percent = 0;      // of the requests: sent again with their key
    double part_refund_percent = 0;  // of the flows: give back a part, the others all
};

/// Amounts in minor units. `refund` is what is given back: all of `amount`, or a part of it.
struct FlowPlan {
    std::uint32_t merchant = 0;
    std::int64_t amount = 0;
    std::int64_t refund = 0;
};

FlowPlan plan_flow(const FlowMix& mix, std::size_t flow);
/// Whether that request is sent again once it is answered.
bool is_retried(const FlowMix& mix, std::size_t flow, payments::Operation step);

/// At most 32 characters, all of which stand for themselves in a URL.
std::string merchant_name(const FlowMix& mix, std::uint32_t merchant);

struct FlowRequest {
    std::string target;
    std::string key;  // Idempotency-Key
    std::string body;
};
/// `payment` is the text of the id that the authorization was answered with; unused before that.
FlowRequest flow_request(const FlowMix& mix, std::size_t flow, payments::Operation step,
                         std::string_view payment);

/// The state that an approved step leaves the payment in.
payments::State state_after(const FlowPlan& plan, payments::Operation step);

}  // namespace florin::loadgen
