#include "loadgen/flows_plan.h"

#include <set>

#include <gtest/gtest.h>

namespace florin::loadgen {
namespace {

using payments::Operation;
using payments::State;

FlowMix half_and_half() {
    FlowMix mix;
    mix.run = "123456789";
    mix.merchants = 7;
    mix.retried_percent = 5;
    mix.part_refund_percent = 50;
    return mix;
}

TEST(FlowPlan, IsTheSameForTheSameFlow) {
    const FlowMix mix = half_and_half();
    for (std::size_t flow = 0; flow < 100; ++flow) {
        const FlowPlan plan = plan_flow(mix, flow);
        EXPECT_EQ(plan.refund, plan_flow(mix, flow).refund);
        EXPECT_EQ(plan.merchant, flow % 7);
    }
}

TEST(FlowPlan, KeepsToItsShares) {
    const FlowMix mix = half_and_half();
    int parts = 0;
    int retries = 0;
    for (std::size_t flow = 0; flow < 10'000; ++flow) {
        const FlowPlan plan = plan_flow(mix, flow);
        ASSERT_GT(plan.refund, 0);
        ASSERT_LE(plan.refund, plan.amount);
        ASSERT_LT(plan.amount, 100'000);
        if (plan.refund < plan.amount) ++parts;
        for (const auto step : flow_steps) retries += is_retried(mix, flow, step) ? 1 : 0;
    }
    EXPECT_NEAR(parts, 5'000, 300);
    EXPECT_NEAR(retries, 1'500, 200);
}

TEST(FlowPlan, NoShareIsNoneAndAllIsAll) {
    FlowMix mix = half_and_half();
    mix.part_refund_percent = 0;
    mix.retried_percent = 100;
    for (std::size_t flow = 0; flow < 1'000; ++flow) {
        EXPECT_EQ(plan_flow(mix, flow).refund, plan_flow(mix, flow).amount);
        EXPECT_TRUE(is_retried(mix, flow, Operation::Capture));
    }
}

TEST(FlowPlan, EachRequestHasAKeyOfItsOwn) {
    const FlowMix mix = half_and_half();
    std::set<std::string> keys;
    for (std::size_t flow = 0; flow < 100; ++flow) {
        for (const auto step : flow_steps) keys.insert(flow_request(mix, flow, step, "id").key);
    }
    EXPECT_EQ(keys.size(), 300U);
}

TEST(FlowPlan, RequestsSayWhatThePlanSays) {
    FlowMix mix = half_and_half();
    mix.part_refund_percent = 100;
    const FlowPlan plan = plan_flow(mix, 8);
    const auto authorize = flow_request(mix, 8, Operation::Authorize, "");
    EXPECT_EQ(authorize.target, "/payments/authorize");
    EXPECT_EQ(authorize.body, R"({"merchantId":"bench-123456789-1","amount":)" +
                                  std::to_string(plan.amount) + R"(,"currency":"KRW"})");
    const auto refund = flow_request(mix, 8, Operation::Refund, "some-id");
    EXPECT_EQ(refund.target, "/payments/refund/some-id");
    EXPECT_NE(refund.body.find(R"("amount":)" + std::to_string(plan.refund)), std::string::npos);
    EXPECT_EQ(state_after(plan, Operation::Refund), State::PartiallyRefunded);
    mix.part_refund_percent = 0;
    EXPECT_EQ(flow_request(mix, 8, Operation::Refund, "some-id").body.find("amount"),
              std::string::npos);
    EXPECT_EQ(state_after(plan_flow(mix, 8), Operation::Refund), State::Refunded);
}

}  // namespace
}  // namespace florin::loadgen
