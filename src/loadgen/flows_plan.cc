#include "loadgen/flows_plan.h"

#include <fmt/format.h>

#include "platform/base/random.h"
#include "platform/base/require.h"

namespace florin::loadgen {
namespace {

using payments::Operation;

constexpr std::int64_t amount_min = 1'000;
constexpr std::uint64_t amounts = 90'000;  // ends below those that mean something to gateways

/// Uniform in [0, 100), of one flow and purpose.
double dice(std::size_t flow, std::uint64_t purpose) {
    Random random(Random::mix(flow) + purpose);
    return random.unit() * 100;
}

constexpr std::uint64_t part_purpose = 16;  // beyond the operations' numbers

}  // namespace

FlowPlan plan_flow(const FlowMix& mix, std::size_t flow) {
    FlowPlan plan;
    plan.merchant = static_cast<std::uint32_t>(flow % mix.merchants);
    const std::uint64_t spread = Random::mix(flow + 1);
    plan.amount = amount_min + static_cast<std::int64_t>(spread % amounts);
    plan.refund = plan.amount;
    if (dice(flow, part_purpose) < mix.part_refund_percent) {
        const auto parts = static_cast<std::uint64_t>(plan.amount - 1);
        plan.refund = 1 + static_cast<std::int64_t>((spread >> 32U) % parts);
    }
    return plan;
}

bool is_retried(const FlowMix& mix, std::size_t flow, Operation step) {
    return dice(flow, static_cast<std::uint64_t>(step)) < mix.retried_percent;
}

std::string merchant_name(const FlowMix& mix, std::uint32_t merchant) {
    return fmt::format("bench-{}-{}", mix.run, merchant);
}

FlowRequest flow_request(const FlowMix& mix, std::size_t flow, Operation step,
                         std::string_view payment) {
    const FlowPlan plan = plan_flow(mix, flow);
    const std::string merchant = merchant_name(mix, plan.merchant);
    FlowRequest request;
    request.key = fmt::format("{}-{}-{}", mix.run, flow, name_of(step));
    if (step == Operation::Authorize) {
        request.target = "/payments/authorize";
        request.body = fmt::format(R"({{"merchantId":"{}","amount":{},"currency":"KRW"}})",
                                   merchant, plan.amount);
        return request;
    }
    request.target = fmt::format("/payments/{}/{}", name_of(step), payment);
    if (step == Operation::Capture) {
        request.body = fmt::format(R"({{"merchantId":"{}"}})", merchant);
    } else if (plan.refund == plan.amount) {
        request.body = fmt::format(R"({{"merchantId":"{}","reason":"returned"}})", merchant);
    } else {
        request.body = fmt::format(R"({{"merchantId":"{}","amount":{},"reason":"part returned"}})",
                                   merchant, plan.refund);
    }
    return request;
}

payments::State state_after(const FlowPlan& plan, Operation step) {
    switch (step) {
        case Operation::Authorize:
            return payments::State::Authorized;
        case Operation::Capture:
            return payments::State::Captured;
        case Operation::Refund:
            return plan.refund == plan.amount ? payments::State::Refunded
                                              : payments::State::PartiallyRefunded;
        case Operation::Void:
            break;
    }
    require(false, "a flow has three steps, and no void among them");
    return payments::State::Voided;
}

}  // namespace florin::loadgen
